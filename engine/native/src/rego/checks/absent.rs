//! Guards that read a path which may be absent: undefined would silence them. Needs the schema of `input`.

use crate::rego::diagnostic::Diagnostic;
use crate::rego::options::Options;
use crate::rego::rules::Rules;

pub fn check(_rules: &Rules, _options: &Options) -> Vec<Diagnostic> {
    Vec::new()
}
