//! Redirections as targets: files, connections, documents.

use super::super::syntax::{Part, Redirect};
use super::super::tree::{RedirectFact, Target};
use super::super::vocabulary::Sign;
use super::args::{shown, Arg};
use super::paths;
use super::{Input, Walker};
use crate::sql::tree::{Access, Effect};

/// How a process substitution is shown.
const PROCESS: &str = "<()";

/// What the redirections of one command do.
#[derive(Debug, Default)]
pub(super) struct Redirected {
    pub facts: Vec<RedirectFact>,
    pub targets: Vec<Target>,
    pub signs: Vec<Sign>,
    pub effect: Option<Effect>,
    pub input: Option<Input>,
}

impl Walker<'_> {
    pub(super) fn redirects(&mut self, redirects: &[Redirect]) -> Redirected {
        let mut found = Redirected::default();
        for redirect in redirects {
            let arg = Arg::of(&redirect.target, self.held.constants());
            found.facts.push(RedirectFact {
                operator: redirect.operator,
                descriptor: redirect.descriptor.clone(),
                target: arg.literal.clone(),
            });
            let reads_input = redirect.descriptor.as_deref().is_none_or(|number| number == "0");
            match redirect.operator {
                "<<" | "<<-" => {
                    let text = document(redirect);
                    if reads_input {
                        found.input = Some(Input::Document(text));
                    }
                }
                "<<<" => {
                    if reads_input {
                        found.input = Some(Input::Document(arg.literal.map(|text| text + "\n")));
                    }
                }
                "<&" | ">&" if is_descriptor(&arg.shown) => {}
                "<" | "<&" => {
                    if reads_input {
                        let is_process = arg.substitution && arg.shown == PROCESS;
                        found.input =
                            Some(if is_process { Input::Process } else { Input::File(self.placed(&arg.shown)) });
                    }
                    file(&mut found, &self.here(&arg), Access::Read);
                }
                _ => file(&mut found, &self.here(&arg), Access::Write),
            }
        }
        found
    }

    /// Walks the commands in the words of redirections and in here-documents.
    pub(super) fn within_redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            self.parts(&redirect.target.parts);
            if !matches!(redirect.operator, "<<" | "<<-") {
                continue;
            }
            self.feature("here_document");
            let Some(parts) = redirect.document.as_ref().and_then(|document| document.get()) else {
                continue;
            };
            self.within("here_document", |walker| {
                for part in parts.iter().filter(|part| !matches!(part, Part::Quoted(_))) {
                    walker.parts(std::slice::from_ref(part));
                }
            });
        }
    }
}

/// The text of a here-document when nothing in it is dynamic.
fn document(redirect: &Redirect) -> Option<String> {
    let parts = redirect.document.as_ref().and_then(|document| document.get())?;
    parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Quoted(_))).then(|| shown(parts))
}

fn is_descriptor(target: &str) -> bool {
    target == "-" || target.trim_end_matches('-').bytes().all(|byte| byte.is_ascii_digit()) && !target.is_empty()
}

fn file(found: &mut Redirected, arg: &Arg, access: Access) {
    let name = arg.shown.as_str();
    if arg.substitution && name == PROCESS {
        return;
    }
    if name.starts_with("/dev/tcp/") || name.starts_with("/dev/udp/") {
        let host = name.trim_start_matches("/dev/tcp/").trim_start_matches("/dev/udp/").replacen('/', ":", 1);
        found.targets.push(Target { class: "host", name: host, access: Access::Write, literal: arg.literal.is_some() });
        found.signs.push(Sign::NetworkRedirect);
        found.effect = found.effect.max(Some(Effect::Execute));
        return;
    }
    if paths::is_nothing(name) {
        return;
    }
    if access != Access::Read {
        found.effect = found.effect.max(Some(Effect::Write));
    }
    found.signs.extend(paths::signs(name, access));
    found.targets.push(Target { class: "file", name: name.to_owned(), access, literal: arg.literal.is_some() });
}
