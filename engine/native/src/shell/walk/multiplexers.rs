//! Programs that keep terminals: `tmux`, `screen` and their kin. What is typed or sent into one nobody sees.

use super::super::vocabulary::Sign;
use super::args::Arg;
use super::simple::Around;
use super::unwrap::Unwrapped;
use super::Walker;

/// Verbs of tmux that neither show a terminal nor have anything run in one.
const HARMLESS: &[&str] = &[
    "ls",
    "list-sessions",
    "lsw",
    "list-windows",
    "lsp",
    "list-panes",
    "lsc",
    "list-clients",
    "lscm",
    "list-commands",
    "lsk",
    "list-keys",
    "has",
    "has-session",
    "kill-session",
    "kill-window",
    "killw",
    "kill-pane",
    "killp",
    "kill-server",
    "rename-session",
    "rename-window",
    "renamew",
    "detach",
    "detach-client",
    "capture-pane",
    "capturep",
    "start-server",
    "start",
    "show-options",
    "show",
    "show-environment",
    "showenv",
    "info",
    "server-info",
    "clear-history",
    "clearhist",
    "wait-for",
    "wait",
];
/// Options of `screen` after which it only tells or tidies.
const TELLS: &[&str] = &["-ls", "-list", "-wipe", "-v", "--version", "--help"];

impl Walker<'_> {
    /// `tmux` and what is like it; None when the tables say what runs.
    pub(super) fn multiplexer(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let rest = args.get(1..).unwrap_or_default();
        let has = |words: &[&str]| rest.iter().any(|arg| words.iter().any(|word| arg.is(word)));
        if name == "screen" {
            let quits = rest.windows(2).any(|two| matches!(two, [one, next] if one.is("-X") && next.is("quit")));
            if quits || has(TELLS) {
                return Some(Unwrapped::Program);
            }
            let opens = has(&["-X", "-x", "-r"]) || !names_a_program(rest);
            return opens.then(|| self.unseen_terminal(args, around));
        }
        if rest.first().is_some_and(|arg| arg.is("-V")) {
            return Some(Unwrapped::Program);
        }
        let detached = has(&["-d"]);
        let verb = rest.iter().find(|arg| !arg.is_option()).map(|arg| arg.shown.as_str()).unwrap_or_default();
        if name == "tmux" && HARMLESS.contains(&verb) && !rest.iter().any(|arg| arg.shown.ends_with(';')) {
            return Some(Unwrapped::Program);
        }
        let before = self.tree.operations.len();
        let found = if name == "tmux" { self.subcommand(name, args, around) } else { None };
        let runs_nothing = matches!(&found, Some(Unwrapped::Texts { texts, .. }) if texts.is_empty())
            && self.tree.operations.len() == before.saturating_add(1);
        match found {
            Some(found) if !runs_nothing => Some(found),
            Some(found) if detached => Some(found),
            Some(found) => {
                self.problem(
                    "interactive_shell",
                    "a terminal is opened in which nobody sees what is typed",
                    around.span,
                );
                Some(found)
            }
            None => Some(self.unseen_terminal(args, around)),
        }
    }

    fn unseen_terminal(&mut self, args: &[Arg], around: &Around) -> Unwrapped {
        let why = "a terminal is used in which nobody sees what runs";
        let index = self.unknown(args, around.clone_plain(), "interactive_shell", why);
        self.sign(index, Sign::OpaqueCode);
        super::shells::empty()
    }
}

/// Whether options of `screen` are all such as the table knows, and words stand behind them.
fn names_a_program(rest: &[Arg]) -> bool {
    const VALUED: &[&str] = &["-S", "-t", "-c", "-T", "-s", "-h", "-e", "-p", "-dmS"];
    let mut at = 0_usize;
    while let Some(arg) = rest.get(at) {
        if !arg.is_option() {
            return true;
        }
        let valued = VALUED.iter().any(|option| arg.is(option));
        // `-AdmS name`: the last letter takes a value, and nobody would know that the next word is no program.
        if !valued && arg.shown.len() > 2 && arg.shown.ends_with(['S', 't', 'c', 'T', 's', 'h', 'e', 'p']) {
            return false;
        }
        at = at.saturating_add(if valued { 2 } else { 1 });
    }
    false
}
