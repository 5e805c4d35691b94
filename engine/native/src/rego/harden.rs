//! Changes to a compiled program: every builtin call goes through our wrapper.

use regorus::rvm::program::Program;

use super::builtins;

/// Makes errors visible and calls bounded.
pub fn program(program: &mut Program) -> Result<(), String> {
    let names: Vec<String> = program.builtin_info_table.iter().map(|info| info.name.clone()).collect();
    for (name, place) in names.iter().zip(program.resolved_builtins.iter_mut()) {
        place.0 = builtins::wrapped(name, place.0).ok_or_else(|| "too many different builtins".to_owned())?;
    }
    Ok(())
}
