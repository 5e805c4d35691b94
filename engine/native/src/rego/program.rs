//! Compiled policies: what `_native.Program` is. Compile once, evaluate from many threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use regorus::Value;

use super::checks;
use super::clock::Clock;
use super::conditions::{self, Condition};
use super::decode;
use super::diagnostic::{self, Diagnostic, Severity};
use super::encode::Writer;
use super::focus::Focus;
use super::heads::Head;
use super::index::Index;
use super::interpret::Interpreter;
use super::limits::Limits;
use super::machine::{Answer, Pool};
use super::names::{self, Name};
use super::observe::Observed;
use super::options::Options;
use super::part::Part;
use super::rules::{Definition, Rules};
use super::scope::{self, of_imports, Path};
use super::sources::{self, SourceFile};
use super::spelling::respelled;
use super::split;
use super::trial;
use crate::failure::{guarded, Failure};
use crate::memory::counted;
use crate::stack::{with_bounded_room, with_room};

/// One policy rule as `describe` shows it; its id is its place in the list.
#[derive(Clone, Debug)]
pub struct RuleFact {
    /// Package without `data.`.
    pub package: String,
    pub kind: &'static str,
    pub file: String,
    pub line: u32,
    /// The `code` of its result, where that stands literally in its head.
    pub code: Option<String>,
    /// Its result, as far as it stands literally in its head.
    pub head: Option<Head>,
    /// Paths below `input` that it reads, helpers included.
    pub reads: Vec<Path>,
    pub volatile: bool,
    /// Shard and entry point that run it alone.
    pub shard: usize,
    pub entry_point: usize,
}

pub struct Program {
    facts: Vec<RuleFact>,
    index: Index,
    pools: Vec<Pool>,
    interpreter: Interpreter,
    focus: Focus,
    part: Part,
    observed: OnceLock<Result<Observed, String>>,
    warnings: Vec<Diagnostic>,
    limits: Limits,
}

impl Program {
    /// Compiles `modules` (msgpack list of [file, text]) with `data` and `options` (msgpack documents).
    pub fn compile(modules: &[u8], data: &[u8], options: &[u8]) -> Result<Self, Failure> {
        with_room(|| {
            let wide = Limits { input_bytes: 256 << 20, input_values: 16 << 20, ..Limits::default() };
            let options = Options::read(&decode::document(options, &wide)?)?;
            let data = decode::document(data, &wide)?;
            let files = read_files(&decode::document(modules, &wide)?)?;
            regorus::set_global_memory_limit(Some(options.limits.memory_bytes));
            Self::build(&files, &data, options).map_err(|mut wrong| {
                diagnostic::sort(&mut wrong);
                let message = wrong.first().map_or_else(String::new, |first| first.message.clone());
                Failure { payload: Some(diagnostic::encode_list(&wrong)), ..Failure::new("POLICY_REFUSED", message) }
            })
        })
    }

    fn build(files: &[SourceFile], data: &Value, options: Options) -> Result<Self, Vec<Diagnostic>> {
        let mut parsed = sources::parse(files, &options.limits);
        let rules = Rules::new(parsed.trees());
        let circular = checks::circular(&rules, &options.limits);
        let whole = split::Whole { rules: &rules, files, engine: &parsed.engine, data, limits: &options.limits };
        let is_compilable = parsed.broken.is_empty() && circular.is_empty();
        // Authors wait for all three, and none needs another: what does not pass the checks is compiled for nothing.
        let (shards, others, mut described) = std::thread::scope(|scope| {
            let compile = || if is_compilable { split::compile(&whole) } else { Ok(Vec::new()) };
            let shards = scope.spawn(move || counted(|| with_room(compile)));
            let others = checks::others(&rules, data, &options);
            let described = describe_rules(&rules, &options);
            (shards.join(), others, described)
        });
        let mut found = circular;
        found.extend(others);
        // What a broken file would have defined is unknown to no fault of the others.
        found.retain(|item| parsed.broken.is_empty() || item.code != "UNKNOWN_FUNCTION");
        found.append(&mut parsed.broken);
        let (wrong, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|item| item.severity == Severity::Error);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let shards = shards.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let mut facts = Vec::new();
        let mut bodies = Vec::new();
        for (shard, compiled) in shards.iter().enumerate() {
            for entry in &compiled.entries {
                if let Some((fact, conditions)) = described.remove(&(&entry.set, entry.number)) {
                    facts.push(RuleFact { shard, entry_point: entry.entry_point, ..fact });
                    bodies.push(conditions);
                }
            }
        }
        let index = Index::new(bodies);
        let mut warnings = warnings;
        warnings.extend(checks::unindexed(&facts, &index));
        diagnostic::sort(&mut warnings);
        let pools = shards.into_iter().map(|shard| Pool::new(shard.program, data.clone())).collect();
        let interpreter = Interpreter::new(files.to_vec(), data.clone(), &options);
        let focus = Focus::new(&rules, &facts, &index);
        let part = Part::new(facts.iter().flat_map(|fact| &fact.reads));
        take_down(rules, parsed);
        Ok(Self {
            facts,
            index,
            pools,
            interpreter,
            focus,
            part,
            observed: OnceLock::new(),
            warnings,
            limits: options.limits,
        })
    }

    /// The rules and the warnings.
    pub fn describe(&self) -> Vec<u8> {
        let mut writer = Writer::new(usize::MAX, 8);
        writer.map(2);
        writer.text("rules");
        writer.array(self.facts.len());
        for (id, fact) in self.facts.iter().enumerate() {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            let more = [fact.code.is_some(), fact.head.is_some()].into_iter().filter(|there| *there).count();
            writer.map(more.saturating_add(8));
            if let Some(head) = &fact.head {
                writer.text("head");
                head.write(&mut writer);
            }
            writer.text("id");
            writer.number(u64::from(id));
            for (key, text) in [("package", fact.package.as_str()), ("kind", fact.kind), ("file", fact.file.as_str())] {
                writer.text(key);
                writer.text(text);
            }
            if let Some(code) = &fact.code {
                writer.text("code");
                writer.text(code);
            }
            writer.text("line");
            writer.number(u64::from(fact.line));
            writer.text("always");
            writer.bool(self.index.is_always(id));
            writer.text("volatile");
            writer.bool(fact.volatile);
            writer.text("reads");
            writer.array(fact.reads.len());
            fact.reads.iter().for_each(|path| writer.text(&scope::print(path)));
        }
        writer.text("warnings");
        diagnostic::write_list(&self.warnings, &mut writer);
        writer.finish()
    }

    /// Runs the candidates among the rules for an encoded input.
    pub fn evaluate(&self, input: &[u8], now_ns: i64) -> Result<Vec<u8>, Failure> {
        let input = decode::request(input, &self.limits)?;
        let candidates = self.index.candidates(&input);
        self.answer(&input, now_ns, &candidates)
    }

    /// The numbers of the rules that `evaluate` runs for an input.
    pub fn candidates(&self, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let input = decode::request(input, &self.limits)?;
        let found = self.index.candidates(&input);
        let mut writer = Writer::new(usize::MAX, 2);
        writer.array(found.len());
        found.iter().for_each(|id| writer.number(u64::from(*id)));
        Ok(writer.finish())
    }

    /// What the rules can read of a command that a parser of ours wrote, if that can be told apart from the rest.
    pub fn part(&self, command: &[u8]) -> Option<Vec<u8>> {
        self.part.of(command)
    }

    /// Runs every rule.
    pub fn evaluate_all(&self, input: &[u8], now_ns: i64) -> Result<Vec<u8>, Failure> {
        let input = decode::request(input, &self.limits)?;
        let all: Vec<u32> = (0..u32::try_from(self.facts.len()).unwrap_or(u32::MAX)).collect();
        self.answer(&input, now_ns, &all)
    }

    /// Runs every policy set by the interpreter; for tests.
    pub fn evaluate_interpreted(&self, input: &[u8], now_ns: i64) -> Result<Vec<u8>, Failure> {
        let input = decode::request(input, &self.limits)?;
        with_room(|| guarded(|| Ok(self.interpreter.evaluate(&self.facts, &input, now_ns, &self.limits))))
    }

    /// Runs the `test_` rules by the interpreter: list of {name, file, line, passed, error}.
    pub fn run_tests(&self, now_ns: i64) -> Result<Vec<u8>, Failure> {
        with_room(|| guarded(|| Ok(trial::run_all(&self.interpreter, &self.focus, now_ns))))
    }

    /// Every condition of the policies that are no tests, and what binds names.
    pub fn conditions(&self) -> Result<Vec<u8>, Failure> {
        with_room(|| guarded(|| self.observed().map(Observed::describe)))
    }

    /// How each condition comes out for an input, every rule run by the interpreter.
    pub fn observe(&self, input: &[u8], now_ns: i64) -> Result<Vec<u8>, Failure> {
        let input = decode::request(input, &self.limits)?;
        with_room(|| guarded(|| Ok(self.observed()?.run(&self.facts, &input, now_ns, &self.limits))))
    }

    /// How each condition comes out in the `test_` rules, all of them together.
    pub fn observe_tests(&self, now_ns: i64) -> Result<Vec<u8>, Failure> {
        with_room(|| guarded(|| Ok(self.observed()?.run_tests(&self.focus.tests, now_ns, &self.limits))))
    }

    /// What runs the `test_` rules, for tests of it.
    #[cfg(test)]
    pub fn on_trial(&self) -> (&Interpreter, &Focus) {
        (&self.interpreter, &self.focus)
    }

    fn observed(&self) -> Result<&Observed, Failure> {
        let made = self.observed.get_or_init(|| self.interpreter.observed());
        made.as_ref().map_err(|message| Failure::new("UNOBSERVABLE", message.clone()))
    }

    fn answer(&self, input: &Value, now_ns: i64, rules: &[u32]) -> Result<Vec<u8>, Failure> {
        with_bounded_room(|| Ok(self.run(input, now_ns, rules)))
    }

    fn run(&self, input: &Value, now_ns: i64, rules: &[u32]) -> Vec<u8> {
        let clock = Clock::start(self.limits.time);
        let mut answer = Answer::new(&self.limits);
        let mut at = 0;
        // Rules of one shard stand together: one machine runs them all.
        while let Some(shard) = rules.get(at).and_then(|rule| self.fact(*rule)).map(|fact| fact.shard) {
            let run: Vec<(u32, &RuleFact)> = rules
                .get(at..)
                .unwrap_or_default()
                .iter()
                .map_while(|rule| self.fact(*rule).filter(|fact| fact.shard == shard).map(|fact| (*rule, fact)))
                .collect();
            at = at.saturating_add(run.len().max(1));
            if let Some(pool) = self.pools.get(shard) {
                pool.run(&run, input, now_ns, &clock, &self.limits, &mut answer);
            }
        }
        answer.finish(rules.len())
    }

    fn fact(&self, rule: u32) -> Option<&RuleFact> {
        usize::try_from(rule).ok().and_then(|rule| self.facts.get(rule))
    }
}

/// Frees the trees beside the caller, who waits for the program and not for that.
fn take_down(rules: Rules, parsed: sources::Parsed) {
    // Where no thread can be had, what was meant for it is freed here.
    drop(std::thread::Builder::new().spawn(move || counted(|| with_room(|| drop((rules, parsed))))));
}

fn read_files(list: &Value) -> Result<Vec<SourceFile>, Failure> {
    let wrong = || Failure::new("INPUT_INVALID", "modules must be a list of [file, text]");
    let items = list.as_array().map_err(|_| wrong())?;
    items
        .iter()
        .map(|item| match item.as_array().ok().map(|pair| pair.as_slice()) {
            Some([Value::String(name), Value::String(text)]) => {
                Ok(SourceFile { name: name.to_string(), text: respelled(text) })
            }
            _ => Err(wrong()),
        })
        .collect()
}

/// The `code` in a head such as `deny contains {"code": "NO", ...}`.
fn code_of(rule: &regorus::unstable::Rule) -> Option<String> {
    use regorus::unstable::{Expr, Rule, RuleHead};
    let Rule::Spec { head: RuleHead::Set { key: Some(key), .. }, .. } = rule else {
        return None;
    };
    let Expr::Object { fields, .. } = key.as_ref() else {
        return None;
    };
    let named = |expr: &Expr| names::constant(expr).as_ref().and_then(names::text);
    fields.iter().find(|(_, key, _)| named(key).as_deref() == Some("code")).and_then(|(_, _, value)| named(value))
}

/// Without conditions on what differs from request to request by itself. INVARIANT: whether a rule is a candidate
/// depends on nothing volatile; else a rule left out of one answer could be missed in the next, without anybody knowing
/// that the time had counted.
fn stable(mut found: Vec<Condition>, options: &Options) -> Vec<Condition> {
    found.retain(|condition| !options.is_volatile(&BTreeSet::from([condition.path.clone()])));
    found
}

/// What `describe` says of a rule, not yet placed in a shard, and the conditions of its bodies.
type Described = (RuleFact, Vec<Vec<Condition>>);

/// Every definition of every policy set, by the set's full name and its number there.
fn describe_rules<'a>(rules: &'a Rules, options: &Options) -> BTreeMap<(&'a Name, usize), Described> {
    let mut all = BTreeMap::new();
    for (set, definitions) in &rules.groups {
        for (number, definition) in definitions.iter().enumerate() {
            if let Some(described) = describe_rule(rules, definition, options) {
                all.insert((set, number), described);
            }
        }
    }
    all
}

fn describe_rule(rules: &Rules, definition: &Definition, options: &Options) -> Option<Described> {
    let kind = names::kind(&definition.rule)?;
    let regorus::unstable::Rule::Spec { bodies, span, .. } = definition.rule.as_ref() else {
        return None;
    };
    let surroundings = of_imports(rules.imports.get(definition.module)?);
    let conditions = if bodies.is_empty() {
        vec![Vec::new()]
    } else {
        bodies.iter().map(|body| stable(conditions::of_query(&body.query, &surroundings), options)).collect()
    };
    let reads = checks::reads(rules, definition);
    let fact = RuleFact {
        package: names::print(rules.packages.get(definition.module)?),
        kind,
        code: code_of(&definition.rule),
        head: Head::of(&definition.rule),
        file: span.source.get_path().clone(),
        line: span.line,
        volatile: reads.reads_time || options.is_volatile(&reads.paths),
        reads: reads.paths.into_iter().collect(),
        shard: 0,
        entry_point: 0,
    };
    Some((fact, conditions))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::stack::BOUNDED;

    fn text(into: &mut Vec<u8>, text: &str) {
        into.push(0xda);
        into.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        into.extend(text.as_bytes());
    }

    /// `{"capabilities": ["count", "sprintf", "object.union"], "limits": {...}}` with every depth at its ceiling.
    fn options() -> Vec<u8> {
        let mut bytes = vec![0x82];
        text(&mut bytes, "capabilities");
        bytes.push(0x93);
        ["count", "sprintf", "object.union"].iter().for_each(|name| text(&mut bytes, name));
        text(&mut bytes, "limits");
        bytes.push(0x83);
        for (name, number) in [("depth", 128), ("call_depth", 128), ("nesting", 20)] {
            text(&mut bytes, name);
            bytes.extend([0xcc, number]);
        }
        bytes
    }

    /// A chain of functions as long as may be, each calling the next inside nested comprehensions and loops.
    fn deepest() -> String {
        let mut policy =
            String::from("package policies.deep\n\ndeny contains {\"code\": \"D\"} if f0(input.nested)\n\n");
        for number in 0..120_u32 {
            let next = number.saturating_add(1);
            policy.push_str(&format!(
                "f{number}(x) if {{\n\tsome y in [x]\n\tevery z in [y] {{\n\t\tcount([w | some w in [z]; count({{v | some v in [w]; f{next}(v)}}) > 0]) > 0\n\t}}\n}}\n\n"
            ));
        }
        policy.push_str("f120(x) if {\n\tcount(sprintf(\"%v\", [x])) > 100\n\tobject.union({\"a\": x}, {\"a\": x}) == {\"a\": x}\n}\n");
        policy
    }

    fn nested() -> Vec<u8> {
        let mut bytes = vec![0x81];
        text(&mut bytes, "nested");
        for _ in 0..120 {
            bytes.extend([0x81, 0xa1, b'k']);
        }
        bytes.push(0x01);
        bytes
    }

    #[test]
    fn the_deepest_policy_on_the_deepest_input_fits_the_bounded_stack() {
        let mut modules = vec![0x91, 0x92];
        text(&mut modules, "deep.rego");
        text(&mut modules, &deepest());
        let program = Program::compile(&modules, &[0x80], &options()).map_err(|failure| failure.message).unwrap();
        // WHY half: what a thread has below the red zone would grow, and the test would prove nothing.
        let thread = std::thread::Builder::new().stack_size(BOUNDED / 2);
        let answer = thread
            .spawn(move || {
                let input = decode::request(&nested(), &program.limits).unwrap();
                program.run(&input, 0, &[0])
            })
            .unwrap()
            .join()
            .unwrap();
        let said = String::from_utf8_lossy(&answer).into_owned();
        assert!(said.contains("code"), "{said}");
    }

    fn packed(value: &Value) -> Vec<u8> {
        let mut writer = Writer::new(usize::MAX, 128);
        writer.value(value).unwrap();
        writer.finish()
    }

    fn json(text: &str) -> Vec<u8> {
        packed(&Value::from_json_str(text).unwrap())
    }

    fn compile(text: &str) -> Program {
        let modules = packed(&Value::from(vec![Value::from(vec![Value::from("a.rego"), Value::from(text)])]));
        Program::compile(&modules, &json("{}"), &json(r#"{"capabilities": ["count", "to_number", "json.unmarshal"]}"#))
            .unwrap()
    }

    fn answer(program: &Program, input: &str) -> Value {
        decode::document(&program.evaluate_all(&json(input), 0).unwrap(), &Limits::default()).unwrap()
    }

    #[test]
    fn many_threads_evaluate_one_program_at_once() {
        let program =
            compile("package policies.a\ndeny contains input.n if count([x | some x in input.xs; x > 1]) == 2\n");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let program = &program;
                scope.spawn(move || {
                    let expected = Value::from_json_str(&format!("[[0, {number}]]")).unwrap();
                    for _ in 0..200 {
                        let said = answer(program, &format!("{{\"n\": {number}, \"xs\": [1, 2, 3]}}"));
                        assert_eq!(said.as_object().unwrap().get(&Value::from("results")), Some(&expected));
                    }
                });
            }
        });
    }

    #[test]
    fn an_error_in_one_evaluation_is_not_there_in_the_next() {
        let program = compile("package policies.a\ndeny contains 1 if to_number(input.n) > 1\n");
        let errors = |input: &str| {
            answer(&program, input).as_object().unwrap().get(&Value::from("errors")).unwrap().as_array().unwrap().len()
        };
        assert_eq!((errors(r#"{"n": "x"}"#), errors(r#"{"n": "2"}"#), errors(r#"{"n": []}"#)), (1, 0, 1));
    }
}
