//! placeholder
use regorus::unstable::BuiltinFcn;
pub fn find(_: &str) -> Option<BuiltinFcn> {
    None
}
