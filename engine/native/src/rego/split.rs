//! Policy packages to RVM programs with an entry point for every definition, so that one rule can run without the others.
//!
//! A program holds the policy packages of one shard and all modules they refer to. The definitions of a policy set
//! (`deny contains ...`) each become a rule of their own that only they feed; references to the whole set stay whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::{Program, RuleInfo, RuleType};
use regorus::rvm::Instruction;
use regorus::{Engine, Value};

use super::diagnostic::Diagnostic;
use super::harden;
use super::limits::Limits;
use super::names::{self, Name};
use super::places::Places;
use super::rules::{full, Rules};
use super::sources::{self, SourceFile};

/// The RVM compiles at most this many entry points the ordinary way (their registers are one byte).
const ENTRY_POINTS: usize = 250;
/// Modules of one shard; the compiler's preparation is linear in them, a VM's memory too.
const SHARD_MODULES: usize = 48;
const SHARD_BYTES: usize = 192 << 10;

/// One definition of a policy rule, and the entry point that runs it alone.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Full name of the set: `data.policies.a.deny`.
    pub set: Name,
    /// Which definition of the set, in source order.
    pub number: usize,
    pub entry_point: usize,
}

/// A compiled program and what its entry points run.
pub struct Shard {
    pub program: Arc<Program>,
    pub entries: Vec<Entry>,
}

/// A group of policy sets that is compiled together, and the modules this takes.
#[derive(Clone, Debug, Default)]
struct Plan {
    sets: Vec<Name>,
    modules: BTreeSet<usize>,
}

/// Policies that passed all checks, read once.
pub struct Whole<'a> {
    pub rules: &'a Rules,
    pub files: &'a [SourceFile],
    /// Holds all of `files`.
    pub engine: &'a Engine,
    pub data: &'a Value,
    pub limits: &'a Limits,
}

/// Compiles all policy sets.
pub fn compile(whole: &Whole<'_>) -> Result<Vec<Shard>, Vec<Diagnostic>> {
    let mut shards = Vec::new();
    let mut wrong = Vec::new();
    let needs = Needs::new(whole.rules);
    let loops = Places::new(whole.rules);
    let mut todo = plans(whole.rules, whole.files, &needs);
    todo.reverse();
    while let Some(plan) = todo.pop() {
        match compile_plan(&plan, &loops, whole) {
            Ok(shard) => shards.push(shard),
            Err(refusal) => match halves(&plan, whole.rules, &needs) {
                // A shard may be too big for one program where its halves are not.
                Some((first, second)) => todo.extend([second, first]),
                None => wrong.push(refusal),
            },
        }
    }
    if wrong.is_empty() {
        Ok(shards)
    } else {
        Err(wrong)
    }
}

/// The policy sets of each package: `data.policies.a` -> its `deny`, `hold`, ...
fn policy_sets(rules: &Rules) -> BTreeMap<Name, Vec<Name>> {
    let mut sets: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
    for (name, definitions) in &rules.groups {
        let Some(first) = definitions.first() else {
            continue;
        };
        if rules.is_policy(first.module) && definitions.iter().all(|definition| names::kind(&definition.rule).is_some())
        {
            let package = rules.packages.get(first.module).map(|package| full(package)).unwrap_or_default();
            sets.entry(package).or_default().push(name.clone());
        }
    }
    sets
}

fn plans(rules: &Rules, files: &[SourceFile], needs: &Needs) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut now = Plan::default();
    for sets in policy_sets(rules).into_values() {
        let needed = needs.of_sets(&sets, rules);
        let together: BTreeSet<usize> = now.modules.union(&needed).copied().collect();
        let bytes: usize = together.iter().filter_map(|module| files.get(*module)).map(|file| file.text.len()).sum();
        let count = now.sets.len().saturating_add(sets.len());
        if !now.sets.is_empty() && (together.len() > SHARD_MODULES || bytes > SHARD_BYTES || count > ENTRY_POINTS) {
            plans.push(std::mem::take(&mut now));
            now.modules = needed;
        } else {
            now.modules = together;
        }
        now.sets.extend(sets);
    }
    plans.push(now);
    plans.retain(|plan| !plan.sets.is_empty());
    plans
}

/// Which modules each module needs directly: the others of its package, and those its rules refer to.
struct Needs(Vec<BTreeSet<usize>>);

impl Needs {
    fn new(rules: &Rules) -> Self {
        let mut direct: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); rules.modules.len()];
        let mut packages: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for (module, package) in rules.packages.iter().enumerate() {
            packages.entry(package).or_default().push(module);
        }
        for modules in packages.values() {
            for module in modules {
                direct.get_mut(*module).into_iter().for_each(|needs| needs.extend(modules));
            }
        }
        for definition in rules.groups.values().flatten() {
            let Some(needs) = direct.get_mut(definition.module) else {
                continue;
            };
            let reached =
                rules.targets(&definition.facts).into_iter().filter_map(|target| rules.groups.get(target)).flatten();
            needs.extend(reached.map(|other| other.module));
        }
        Self(direct)
    }

    /// All modules some sets need, transitively.
    fn of_sets(&self, sets: &[Name], rules: &Rules) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let definitions = sets.iter().filter_map(|set| rules.groups.get(set)).flatten();
        let mut open: Vec<usize> = definitions.map(|definition| definition.module).collect();
        while let Some(module) = open.pop() {
            if found.insert(module) {
                open.extend(self.0.get(module).into_iter().flatten());
            }
        }
        found
    }
}

fn halves(plan: &Plan, rules: &Rules, needs: &Needs) -> Option<(Plan, Plan)> {
    let packages: BTreeSet<&[String]> =
        plan.sets.iter().filter_map(|set| set.split_last()).map(|(_, package)| package).collect();
    let middle = packages.iter().nth(packages.len().checked_div(2)?).copied()?;
    let (second, first): (Vec<Name>, Vec<Name>) = plan.sets.iter().cloned().partition(|set| set.as_slice() >= middle);
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let plan = |sets: Vec<Name>| Plan { modules: needs.of_sets(&sets, rules), sets };
    Some((plan(first), plan(second)))
}

fn compile_plan(plan: &Plan, loops: &Places, whole: &Whole<'_>) -> Result<Shard, Diagnostic> {
    let rules = whole.rules;
    let home = plan.sets.first().and_then(|set| rules.groups.get(set)).and_then(|definitions| definitions.first());
    let file = home.map(|definition| definition.span().source.get_path().clone()).unwrap_or_default();
    let refuse = |error: &anyhow::Error| refusal(&file, error);
    let mut engine = if plan.modules.len() == whole.files.len() {
        whole.engine.clone()
    } else {
        let mut engine = sources::engine(whole.limits, false);
        for source in plan.modules.iter().filter_map(|module| whole.files.get(*module)) {
            engine.add_policy(source.name.clone(), source.text.clone()).map_err(|error| refuse(&error))?;
        }
        engine
    };
    engine.add_data(whole.data.clone()).map_err(|error| refuse(&error))?;
    let mut program = compile_sets(&mut engine, &plan.sets).map_err(|error| refuse(&error))?;
    harden::program(&mut program, loops).map_err(|message| refuse(&anyhow::anyhow!(message)))?;
    let entries = entry_points(&mut program, &plan.sets, rules).map_err(|message| refuse(&anyhow::anyhow!(message)))?;
    // Each program holds a copy of all its texts; the diagnostics have them from elsewhere.
    program.sources.clear();
    program.instruction_spans.clear();
    Ok(Shard { program: Arc::new(program), entries })
}

fn compile_sets(engine: &mut Engine, sets: &[Name]) -> anyhow::Result<Program> {
    let paths: Vec<String> = sets.iter().map(|set| names::print(set)).collect();
    let Some(first) = paths.first() else {
        return Ok(Program::new());
    };
    let policy = engine.compile_with_entrypoint(&first.as_str().into())?;
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let program = Compiler::compile_from_policy(&policy, &paths).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Arc::try_unwrap(program).unwrap_or_else(|shared| shared.as_ref().clone()))
}

/// What the RVM's compiler said, with a way out where it is one of its ceilings.
fn refusal(file: &str, error: &anyhow::Error) -> Diagnostic {
    let found = sources::from_error("NOT_COMPILED", file, error);
    let help = match () {
        () if found.message.contains("exceeds max") || found.message.contains("overflow") => {
            "split this package into several"
        }
        () if found.message.contains("`with` keyword") => "only rules named test_... may use `with`",
        () => "",
    };
    Diagnostic { help: help.to_owned(), ..found }
}

/// Adds a rule and an entry point for each definition of each set.
fn entry_points(program: &mut Program, sets: &[Name], rules: &Rules) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for set in sets {
        let path = names::print(set);
        let expected = rules.groups.get(set).map_or(0, Vec::len);
        let info = program
            .rule_infos
            .iter()
            .find(|info| info.name == path)
            .cloned()
            .ok_or_else(|| format!("`{path}` was not compiled"))?;
        if info.definitions.len() != expected || info.rule_type != RuleType::PartialSet {
            return Err(format!("`{path}` was compiled to another number of definitions"));
        }
        for (number, bodies) in info.definitions.iter().enumerate() {
            let entry_point = program.entry_points.len();
            let index = add_rule(program, &info, number, bodies)?;
            add_entry_point(program, &format!("{path}#{number}"), index)?;
            entries.push(Entry { set: set.clone(), number, entry_point });
        }
    }
    Ok(entries)
}

/// A rule of one definition.
fn add_rule(program: &mut Program, whole: &RuleInfo, number: usize, bodies: &[u32]) -> Result<u16, String> {
    let marks = whole.else_bodies.get(number).cloned().unwrap_or_default();
    let index = u16::try_from(program.rule_infos.len()).map_err(|_| "program exceeds max rules".to_owned())?;
    program.rule_infos.push(RuleInfo {
        name: String::new(),
        rule_type: RuleType::PartialSet,
        definitions: regorus::Rc::new(vec![bodies.to_vec()]),
        function_info: None,
        default_literal_index: None,
        result_reg: whole.result_reg,
        num_registers: whole.num_registers,
        destructuring_blocks: Vec::new(),
        else_bodies: vec![marks],
        early_exit_on_first_success: false,
    });
    Ok(index)
}

fn add_entry_point(program: &mut Program, name: &str, rule_index: u16) -> Result<(), String> {
    let at = program.instructions.len();
    if at.saturating_add(2) > Program::MAX_INSTRUCTIONS {
        return Err("program exceeds max instructions".to_owned());
    }
    program.instructions.push(Instruction::CallRule { dest: 0, rule_index });
    program.instructions.push(Instruction::Return { value: 0 });
    program.entry_points.insert(name.to_owned(), at);
    Ok(())
}
