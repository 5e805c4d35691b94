//! Operators as calls of our own: an error in one is seen, mixed types are one.

use regorus::rvm::program::Program;
use regorus::rvm::Instruction;
use regorus::Value;

use super::{call, operation};
use crate::rego::own::operators as own;

/// Puts calls in the place of arithmetic, comparisons, `in`, and calls of builtins that only we have.
pub fn replace(program: &mut Program) -> Result<(), String> {
    for at in 0..program.instructions.len() {
        let Some(instruction) = program.instructions.get(at).copied() else {
            continue;
        };
        let replaced = match instruction {
            Instruction::Add { dest, left, right } => binary(program, "+", dest, left, right)?,
            Instruction::Sub { dest, left, right } => binary(program, "-", dest, left, right)?,
            Instruction::Mul { dest, left, right } => binary(program, "*", dest, left, right)?,
            Instruction::Div { dest, left, right } => binary(program, "/", dest, left, right)?,
            Instruction::Mod { dest, left, right } => binary(program, "%", dest, left, right)?,
            Instruction::Lt { dest, left, right } => binary(program, "<", dest, left, right)?,
            Instruction::Le { dest, left, right } => binary(program, "<=", dest, left, right)?,
            Instruction::Gt { dest, left, right } => binary(program, ">", dest, left, right)?,
            Instruction::Ge { dest, left, right } => binary(program, ">=", dest, left, right)?,
            Instruction::Contains { dest, collection, value } => binary(program, "in", dest, value, collection)?,
            Instruction::HostAwait { dest, arg, .. } => own_builtin(program, at, dest, arg)?,
            _ => continue,
        };
        if let Some(place) = program.instructions.get_mut(at) {
            *place = replaced;
        }
    }
    program.has_host_await = false;
    Ok(())
}

fn binary(program: &mut Program, name: &'static str, dest: u8, left: u8, right: u8) -> Result<Instruction, String> {
    let function = own::find(name).ok_or_else(|| format!("no operator is named `{name}`"))?;
    let index = operation(program, name, function, 2)?;
    call(program, index, dest, &[left, right])
}

/// regorus compiles a call of a builtin it does not have to `HostAwait`, with the arguments in an array and the name
/// loaded just before.
fn own_builtin(program: &mut Program, at: usize, dest: u8, arg: u8) -> Result<Instruction, String> {
    let before = at.checked_sub(1).and_then(|before| program.instructions.get(before));
    let name = match before {
        Some(Instruction::Load { literal_idx, .. }) => match program.literals.get(usize::from(*literal_idx)) {
            Some(Value::String(name)) => name.to_string(),
            _ => return Err("a call of a builtin has no name".to_owned()),
        },
        _ => return Err("a call of a builtin has no name".to_owned()),
    };
    let packed = format!("{name} [packed]");
    let index = operation(program, &packed, own::packed, 1)?;
    call(program, index, dest, &[arg])
}
