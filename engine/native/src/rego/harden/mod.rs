//! Changes to a compiled program, so that it means what Rego means and cannot swallow an error.
//!
//! The RVM drops every error inside a rule, binds undefined, keeps the last of several values, ignores an `else` after a
//! loop that found nothing, and lets a failed condition of a comprehension end the loop around it. Each of these is
//! repaired in the bytecode: `operators` puts calls of our wrappers in place of instructions, `plan` says which guards to
//! put where, `insert` puts them there and moves the jumps along.

mod insert;
mod layout;
mod operators;
mod plan;

use regorus::rvm::instructions::BuiltinCallParams;
use regorus::rvm::program::{BuiltinInfo, Program};
use regorus::rvm::Instruction;

use super::builtins::{self, Function};
use super::places::Places;

/// Repairs `program`. `loops`: where the collections of `some ... in` stand.
pub fn program(program: &mut Program, loops: &Places) -> Result<(), String> {
    wrap_builtins(program)?;
    operators::replace(program)?;
    let layout = layout::Layout::new(program)?;
    let changes = plan::plan(program, &layout, loops)?;
    insert::apply(program, changes)
}

fn wrap_builtins(program: &mut Program) -> Result<(), String> {
    let names: Vec<String> = program.builtin_info_table.iter().map(|info| info.name.clone()).collect();
    for (name, place) in names.iter().zip(program.resolved_builtins.iter_mut()) {
        place.0 = builtins::wrapped(name, place.0).ok_or_else(|| "too many different builtins".to_owned())?;
    }
    Ok(())
}

/// The builtin table's entry for an operation of ours.
fn operation(program: &mut Program, name: &str, function: Function, arity: u16) -> Result<u16, String> {
    if let Some(known) = program.builtin_info_table.iter().position(|info| info.name == name) {
        return u16::try_from(known).map_err(|error| error.to_string());
    }
    let pointer = builtins::wrapped(name, function).ok_or_else(|| "too many different builtins".to_owned())?;
    let index = program.add_builtin_info(BuiltinInfo { name: name.to_owned(), num_args: arity });
    program.resolved_builtins.push((pointer, u8::try_from(arity).unwrap_or(u8::MAX)));
    Ok(index)
}

/// An instruction that calls builtin `index`.
fn call(program: &mut Program, index: u16, dest: u8, args: &[u8]) -> Result<Instruction, String> {
    let mut registers = [0_u8; 8];
    for (place, register) in registers.iter_mut().zip(args) {
        *place = *register;
    }
    let num_args = u8::try_from(args.len()).map_err(|error| error.to_string())?;
    if program.instruction_data.builtin_call_params.len() >= usize::from(u16::MAX) {
        return Err("program exceeds max builtin calls".to_owned());
    }
    let params = BuiltinCallParams { dest, builtin_index: index, num_args, args: registers };
    Ok(Instruction::BuiltinCall { params_index: program.add_builtin_call_params(params) })
}
