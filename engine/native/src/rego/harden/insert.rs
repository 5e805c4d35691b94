//! Putting instructions into a program: everything moves, and every jump moves along.

use regorus::rvm::program::Program;
use regorus::rvm::Instruction;

use super::plan::Changes;

/// Where each old instruction came to stand.
struct Moved {
    /// Old place -> the first of what was put before it.
    entry: Vec<u16>,
    /// Old place -> its new place.
    own: Vec<u16>,
}

const TOO_LONG: &str = "program exceeds max instructions";

pub fn apply(program: &mut Program, changes: Changes) -> Result<(), String> {
    let old = std::mem::take(&mut program.instructions);
    let mut new: Vec<Instruction> = Vec::with_capacity(old.len().saturating_mul(2));
    let mut moved = Moved { entry: Vec::with_capacity(old.len()), own: Vec::with_capacity(old.len()) };
    let here = |new: &Vec<Instruction>| u16::try_from(new.len()).map_err(|_| TOO_LONG.to_owned());
    for (at, instruction) in old.iter().enumerate() {
        moved.entry.push(here(&new)?);
        new.extend(changes.before.get(&at).into_iter().flatten());
        moved.own.push(here(&new)?);
        new.push(*instruction);
        new.extend(changes.after.get(&at).into_iter().flatten());
    }
    moved.entry.push(here(&new)?);
    if new.len() > Program::MAX_INSTRUCTIONS {
        return Err(TOO_LONG.to_owned());
    }
    program.instructions = new;
    instructions(program, &moved)?;
    tables(program, &moved)?;
    rules(program, &moved)?;
    rounds(program, &changes, &moved)
}

impl Moved {
    fn to(&self, target: usize) -> Result<u16, String> {
        self.entry.get(target).copied().ok_or_else(|| "a jump leads out of the program".to_owned())
    }
}

fn instructions(program: &mut Program, moved: &Moved) -> Result<(), String> {
    for at in &moved.own {
        let Some(place) = program.instructions.get_mut(usize::from(*at)) else {
            continue;
        };
        match place {
            Instruction::LoopNext { body_start, loop_end } => {
                *body_start = moved.to(usize::from(*body_start))?;
                *loop_end = moved.to(usize::from(*loop_end))?;
            }
            // Jumps to the instruction after `end_pc`.
            Instruction::AnyOfNext { end_pc, .. } => {
                *end_pc = moved.to(usize::from(*end_pc).saturating_add(1))?.saturating_sub(1);
            }
            Instruction::LogicalBlockStart { .. }
            | Instruction::AllOfNext { .. }
            | Instruction::LogicalBlockEnd { .. } => {
                return Err("an instruction of another language".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

fn tables(program: &mut Program, moved: &Moved) -> Result<(), String> {
    // Parameters of the loops we insert carry no places yet: zero leads to zero.
    for params in &mut program.instruction_data.loop_params {
        params.body_start = moved.to(usize::from(params.body_start))?;
        params.loop_end = moved.to(usize::from(params.loop_end))?;
    }
    for params in &mut program.instruction_data.comprehension_begin_params {
        params.body_start = moved.to(usize::from(params.body_start))?;
        params.comprehension_end = moved.to(usize::from(params.comprehension_end))?;
    }
    for place in program.entry_points.values_mut() {
        *place = usize::from(moved.to(*place)?);
    }
    program.instruction_spans.clear();
    Ok(())
}

fn rules(program: &mut Program, moved: &Moved) -> Result<(), String> {
    let to = |place: u32| -> Result<u32, String> {
        let place = usize::try_from(place).map_err(|error| error.to_string())?;
        moved.to(place).map(u32::from)
    };
    for info in &mut program.rule_infos {
        let definitions: Result<Vec<Vec<u32>>, String> =
            info.definitions.iter().map(|bodies| bodies.iter().map(|body| to(*body)).collect()).collect();
        info.definitions = regorus::Rc::new(definitions?);
        for block in &mut info.destructuring_blocks {
            if let Some(place) = block {
                *block = Some(to(*place)?);
            }
        }
    }
    Ok(())
}

/// The loops of one round: from after their `LoopStart` to after their `LoopNext`, which stands right before the end of
/// the comprehension.
fn rounds(program: &mut Program, changes: &Changes, moved: &Moved) -> Result<(), String> {
    for (begin, end, params_index) in &changes.rounds {
        let begin = usize::from(moved.own.get(*begin).copied().ok_or("a comprehension is lost")?);
        // Load, LoopStart, body.
        let body = u16::try_from(begin.saturating_add(3)).map_err(|_| TOO_LONG.to_owned())?;
        let after = moved.own.get(*end).copied().ok_or("a comprehension is lost")?;
        let params = program.instruction_data.get_loop_params_mut(*params_index).ok_or("a loop is lost")?;
        params.body_start = body;
        params.loop_end = after;
        match program.instructions.get_mut(usize::from(after).saturating_sub(1)) {
            Some(Instruction::LoopNext { body_start, loop_end }) => {
                *body_start = body;
                *loop_end = after;
            }
            _ => return Err("a loop does not end where it should".to_owned()),
        }
    }
    Ok(())
}
