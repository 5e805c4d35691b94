//! Which instruction belongs to which rule: where definitions begin and end, and the registers they leave free.

use std::collections::BTreeMap;

use regorus::rvm::program::{Program, RuleType};
use regorus::rvm::Instruction;

/// What begins at an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// The binding of a function's parameters.
    Parameters,
    Body,
}

#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub rule: usize,
    pub definition: usize,
    pub what: Begins,
}

/// What is said of a rule as a whole.
#[derive(Clone, Copy, Debug)]
pub struct RuleFacts {
    pub kind: Kind,
    pub parameters: u8,
    /// Whether several definitions could give different values.
    pub may_conflict: bool,
    /// The first register that the rule's own code leaves free.
    pub free: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value: complete rules and functions.
    Single,
    Object,
    Set,
}

pub struct Layout {
    starts: BTreeMap<usize, Start>,
    rules: Vec<RuleFacts>,
}

/// Registers a rule gets on top of its own, for what we insert.
pub const EXTRA: u8 = 4;

impl Layout {
    /// Reads the layout and gives every rule `EXTRA` more registers.
    pub fn new(program: &mut Program) -> Result<Self, String> {
        let mut starts = BTreeMap::new();
        let mut rules = Vec::new();
        for (rule, info) in program.rule_infos.iter_mut().enumerate() {
            let free = info.num_registers;
            info.num_registers = free.checked_add(EXTRA).ok_or("register overflow: a rule is too long")?;
            for (definition, bodies) in info.definitions.iter().enumerate() {
                for body in bodies {
                    let start = Start { rule, definition, what: Begins::Body };
                    starts.insert(usize::try_from(*body).map_err(|error| error.to_string())?, start);
                }
            }
            for (definition, block) in info.destructuring_blocks.iter().enumerate() {
                if let Some(block) = block {
                    let start = Start { rule, definition, what: Begins::Parameters };
                    starts.insert(usize::try_from(*block).map_err(|error| error.to_string())?, start);
                }
            }
            let parameters = info.function_info.as_ref().map_or(0, |function| function.num_params);
            rules.push(RuleFacts {
                kind: match info.rule_type {
                    RuleType::Complete => Kind::Single,
                    RuleType::PartialObject => Kind::Object,
                    RuleType::PartialSet => Kind::Set,
                },
                parameters: u8::try_from(parameters).map_err(|error| error.to_string())?,
                may_conflict: info.definitions.len() > 1 && !info.early_exit_on_first_success,
                free,
            });
        }
        program.max_rule_window_size = program.rule_infos.iter().map(|info| info.num_registers).max().unwrap_or(0);
        Ok(Self { starts, rules })
    }

    /// What begins at an instruction, if something does.
    pub fn start(&self, at: usize) -> Option<Start> {
        self.starts.get(&at).copied()
    }

    /// The definition an instruction belongs to.
    pub fn around(&self, at: usize) -> Option<(Start, RuleFacts)> {
        let (_, start) = self.starts.range(..=at).next_back()?;
        Some((*start, *self.rules.get(start.rule)?))
    }
}

/// Pairs of instructions that nest: loops and comprehensions, by the places of their beginnings and ends.
#[derive(Debug, Default)]
pub struct Nesting {
    /// Beginnings and ends of comprehensions.
    pub comprehensions: Vec<(usize, usize)>,
    /// Place of a keyed yield -> the register of the object it goes to.
    pub yields: BTreeMap<usize, u8>,
}

enum Open {
    Loop,
    Comprehension { at: usize, result: u8 },
}

/// Reads how loops and comprehensions nest. Code is emitted in nesting order, each rule's on its own.
pub fn nesting(program: &Program, layout: &Layout) -> Nesting {
    let mut found = Nesting::default();
    let mut open: Vec<Open> = Vec::new();
    for (at, instruction) in program.instructions.iter().enumerate() {
        if layout.start(at).is_some() {
            open.clear();
        }
        match instruction {
            Instruction::LoopStart { .. } => open.push(Open::Loop),
            Instruction::LoopNext { .. } => {
                open.pop();
            }
            Instruction::ComprehensionBegin { params_index } => {
                let params = program.instruction_data.get_comprehension_begin_params(*params_index);
                open.push(Open::Comprehension { at, result: params.map_or(0, |params| params.result_reg) });
            }
            Instruction::ComprehensionEnd {} => {
                if let Some(Open::Comprehension { at: begin, .. }) = open.pop() {
                    found.comprehensions.push((begin, at));
                }
            }
            Instruction::ComprehensionYield { key_reg: Some(_), .. } => {
                let result = open.iter().rev().find_map(|one| match one {
                    Open::Comprehension { result, .. } => Some(*result),
                    Open::Loop => None,
                });
                found.yields.extend(result.map(|result| (at, result)));
            }
            _ => {}
        }
    }
    found
}
