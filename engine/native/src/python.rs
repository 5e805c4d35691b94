//! The border to Python, the only file that names PyO3. Bytes in, bytes out, the GIL released, no panic across.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::{guarded, Failure};

create_exception!(_native, NativeError, PyException);

fn raise(py: Python<'_>, failure: Failure) -> PyErr {
    let payload = failure.payload.map(|bytes| PyBytes::new(py, &bytes).unbind());
    let error = NativeError::new_err((failure.message, payload));
    // A failure to set the attribute leaves an error without a code, still an error.
    let _ = error.value(py).setattr("code", failure.code);
    error
}

/// Runs `work` without the GIL, contains panics, hands bytes back.
#[allow(dead_code)]
fn bytes<'py>(py: Python<'py>, work: impl FnOnce() -> Result<Vec<u8>, Failure> + Send) -> PyResult<Bound<'py, PyBytes>> {
    let result = py.detach(|| guarded(work));
    result.map(|data| PyBytes::new(py, &data)).map_err(|failure| raise(py, failure))
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("NativeError", module.py().get_type::<NativeError>())?;
    Ok(())
}
