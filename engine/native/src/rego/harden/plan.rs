//! Which guards and checks to put where.

use std::collections::BTreeMap;

use regorus::rvm::instructions::{GuardMode, LoopMode, LoopStartParams};
use regorus::rvm::program::Program;
use regorus::rvm::Instruction;
use regorus::Value;

use super::layout::{nesting, Begins, Kind, Layout, RuleFacts, Start};
use super::{call, operation};
use crate::rego::own::operators as own;
use crate::rego::places::Places;

/// What to insert. Jumps to an instruction lead to what stands before it; what stands after it only follows it.
#[derive(Default)]
pub struct Changes {
    pub before: BTreeMap<usize, Vec<Instruction>>,
    pub after: BTreeMap<usize, Vec<Instruction>>,
    /// Loops of one round around the body of a comprehension: (beginning, end, index of their parameters).
    pub rounds: Vec<(usize, usize, u16)>,
}

impl Changes {
    fn before(&mut self, at: usize, instructions: impl IntoIterator<Item = Instruction>) {
        self.before.entry(at).or_default().extend(instructions);
    }

    fn after(&mut self, at: usize, instruction: Instruction) {
        self.after.entry(at).or_default().push(instruction);
    }
}

fn defined(register: u8) -> Instruction {
    Instruction::Guard { register, mode: GuardMode::NotUndefined }
}

pub fn plan(program: &mut Program, layout: &Layout, loops: &Places) -> Result<Changes, String> {
    let mut changes = Changes::default();
    for at in 0..program.instructions.len() {
        let Some(instruction) = program.instructions.get(at).copied() else {
            continue;
        };
        if let Some(start) = layout.start(at) {
            opening(program, layout, at, start, &mut changes)?;
        }
        let Some((start, facts)) = layout.around(at) else {
            continue;
        };
        match instruction {
            Instruction::Move { dest: 0, src } if facts.kind == Kind::Single => {
                // WHY: a loop that yields twice would keep the last value; Rego says that is a conflict.
                let same = operation(program, "=", own::same, 2)?;
                changes.before(at, [call(program, same, facts.free, &[0, src])?]);
            }
            // WHY: the RVM binds undefined with `:=`; in Rego the query is undefined then.
            Instruction::Move { dest, src } if dest != 0 && !is_argument_list(program, at, src) => {
                changes.after(at, defined(dest))
            }
            Instruction::RuleReturn {} if facts.kind == Kind::Single => {
                closing(program, at, start, facts, &mut changes)?
            }
            Instruction::ObjectSet { obj: 0, key, value } if facts.kind == Kind::Object => {
                changes.before(at, [defined(key), defined(value)]);
                changes.before(at, unique(program, facts, 0, key, value)?);
            }
            Instruction::LoopStart { params_index } => {
                let found = program
                    .instruction_data
                    .get_loop_params(params_index)
                    .map(|params| (params.mode, params.collection));
                if let Some((mode, collection)) = found {
                    if mode == LoopMode::Every || loops.has(program, start.rule, start.definition, at) {
                        let each = operation(program, "some", own::each, 1)?;
                        changes.before(at, [call(program, each, collection, &[collection])?]);
                    }
                }
            }
            Instruction::ComprehensionYield { value_reg, key_reg } => {
                // WHY: `[y | y := input.absent]` would hold the string "<undefined>".
                changes.before(at, [defined(value_reg)]);
                changes.before(at, key_reg.map(defined));
            }
            _ => {}
        }
    }
    comprehensions(program, layout, &mut changes)?;
    Ok(changes)
}

/// Whether the value moved is the packed argument list of a builtin of ours: undefined there means "do not call".
fn is_argument_list(program: &Program, at: usize, source: u8) -> bool {
    matches!(program.instructions.get(at.saturating_add(1)), Some(Instruction::Not { operand, .. }) if *operand == source)
        && matches!(program.instructions.get(at.saturating_add(2)), Some(Instruction::AnyOfNext { .. }))
}

/// Where a definition begins: undefined arguments make a call undefined, and values of definitions before are forgotten.
fn opening(
    program: &mut Program,
    layout: &Layout,
    at: usize,
    start: Start,
    changes: &mut Changes,
) -> Result<(), String> {
    let Some((_, facts)) = layout.around(at) else {
        return Ok(());
    };
    if start.definition == 0 && facts.kind == Kind::Single && facts.may_conflict {
        let name = load_name(program, start.rule, facts.free)?;
        let begin = operation(program, "begin", own::begin, 1)?;
        changes.before(at, [name, call(program, begin, facts.free, &[facts.free])?]);
    }
    if start.what == Begins::Parameters {
        changes.before(at, (1..=facts.parameters).map(defined));
    }
    Ok(())
}

/// Where a body of a single-valued rule ends: without a value it has failed (an `else` may follow), and its value must
/// be that of the definitions before.
fn closing(
    program: &mut Program,
    at: usize,
    start: Start,
    facts: RuleFacts,
    changes: &mut Changes,
) -> Result<(), String> {
    changes.before(at, [defined(0)]);
    if facts.may_conflict {
        let name = load_name(program, start.rule, facts.free)?;
        let once = operation(program, "conflict", own::once, 2)?;
        changes.before(at, [name, call(program, once, facts.free, &[facts.free, 0])?]);
    }
    Ok(())
}

fn load_name(program: &mut Program, rule: usize, dest: u8) -> Result<Instruction, String> {
    let name = program.rule_infos.get(rule).map(|info| info.name.clone()).unwrap_or_default();
    load(program, Value::from(name), dest)
}

fn load(program: &mut Program, value: Value, dest: u8) -> Result<Instruction, String> {
    let index = program.add_literal(value);
    let literal_idx = u16::try_from(index).map_err(|_| "program exceeds max literals".to_owned())?;
    Ok(Instruction::Load { dest, literal_idx })
}

/// Refuses a key that has another value already. The second call only lets go of the object, so that setting the key
/// does not copy it.
fn unique(program: &mut Program, facts: RuleFacts, object: u8, key: u8, value: u8) -> Result<[Instruction; 2], String> {
    let check = operation(program, "key", own::unique_key, 3)?;
    let release = operation(program, "release", own::release, 1)?;
    Ok([call(program, check, facts.free, &[object, key, value])?, call(program, release, facts.free, &[key])?])
}

/// A failed condition of a comprehension: the RVM lets it end the round of a loop around the comprehension, or jumps over
/// the comprehension's end, and the next failed condition of the rule jumps there for ever. A loop of one round inside
/// every comprehension takes the failure instead.
fn comprehensions(program: &mut Program, layout: &Layout, changes: &mut Changes) -> Result<(), String> {
    let nesting = nesting(program, layout);
    for (at, object) in &nesting.yields {
        if let (Some(Instruction::ComprehensionYield { value_reg, key_reg: Some(key) }), Some((_, facts))) =
            (program.instructions.get(*at).copied(), layout.around(*at))
        {
            changes.before(*at, unique(program, facts, *object, key, value_reg)?);
        }
    }
    for (begin, end) in nesting.comprehensions {
        let Some((_, facts)) = layout.around(begin) else {
            continue;
        };
        let (collection, element, result) = (facts.free, facts.free.saturating_add(1), facts.free.saturating_add(2));
        let params = LoopStartParams {
            mode: LoopMode::ForEach,
            collection,
            key_reg: element,
            value_reg: element,
            result_reg: result,
            body_start: 0,
            loop_end: 0,
        };
        let params_index = program.add_loop_params(params);
        changes.after(begin, load(program, Value::from(vec![Value::Null]), collection)?);
        changes.after(begin, Instruction::LoopStart { params_index });
        changes.before(end, [Instruction::LoopNext { body_start: 0, loop_end: 0 }]);
        changes.rounds.push((begin, end, params_index));
    }
    Ok(())
}
