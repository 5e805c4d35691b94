//! What PowerShell is told to run. It takes its options in any case, by their beginnings, and with `-`, `--` or `/`.

use super::super::vocabulary::Kind;
use super::args::Arg;
use super::simple::Around;
use super::Walker;

/// What an option is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The words behind it are code.
    Code,
    /// The next word is a file of code, what follows are its own.
    File,
    Value,
    Nothing,
    /// It shows something and ends, where nothing stands behind it; else the version to run as.
    Shows,
}

/// The options, with the shortest spellings that are no beginning of another.
const OPTIONS: &[(&str, Takes)] = &[
    ("command", Takes::Code),
    ("commandwithargs", Takes::Code),
    ("cwa", Takes::Code),
    ("encodedcommand", Takes::Code),
    ("ec", Takes::Code),
    ("file", Takes::File),
    ("encodedarguments", Takes::Value),
    ("ea", Takes::Value),
    ("configurationname", Takes::Value),
    ("configurationfile", Takes::Value),
    ("config", Takes::Value),
    ("custompipename", Takes::Value),
    ("executionpolicy", Takes::Value),
    ("ex", Takes::Value),
    ("ep", Takes::Value),
    ("inputformat", Takes::Value),
    ("inp", Takes::Value),
    ("if", Takes::Value),
    ("outputformat", Takes::Value),
    ("of", Takes::Value),
    ("settingsfile", Takes::Value),
    ("windowstyle", Takes::Value),
    ("workingdirectory", Takes::Value),
    ("wd", Takes::Value),
    ("psconsolefile", Takes::Value),
    ("interactive", Takes::Nothing),
    ("login", Takes::Nothing),
    ("mta", Takes::Nothing),
    ("sta", Takes::Nothing),
    ("noexit", Takes::Nothing),
    ("nologo", Takes::Nothing),
    ("noninteractive", Takes::Nothing),
    ("noprofile", Takes::Nothing),
    ("noprofileloadtime", Takes::Nothing),
    ("sshservermode", Takes::Nothing),
    ("version", Takes::Shows),
    ("help", Takes::Shows),
    ("?", Takes::Shows),
];

/// What an option takes; None for one that nobody knows. Of several that it may be, that with code is meant.
fn takes(word: &str) -> Option<Takes> {
    let name = word.trim_start_matches(['-', '/']).split(':').next().unwrap_or_default().to_ascii_lowercase();
    if name.is_empty() {
        return None;
    }
    if let Some((_, takes)) = OPTIONS.iter().find(|(option, _)| *option == name) {
        return Some(*takes);
    }
    let meant = || OPTIONS.iter().filter(|(option, _)| option.starts_with(&name)).map(|(_, takes)| *takes);
    meant().find(|takes| *takes == Takes::Code).or_else(|| meant().next())
}

pub(super) fn is_power_shell(name: &str) -> bool {
    matches!(name, "pwsh" | "pwsh.exe" | "pwsh-preview" | "powershell" | "powershell.exe")
}

impl Walker<'_> {
    pub(super) fn power_shell(&mut self, name: &str, args: &[Arg], around: Around) {
        let mut at = 1_usize;
        while let Some(arg) = args.get(at) {
            let word = arg.shown.as_str();
            let is_option = arg.is_option()
                || word.len() > 1
                    && word.starts_with('/')
                    && !word.get(1..).is_some_and(|rest| rest.contains(['/', '.']));
            if !is_option {
                break;
            }
            at = at.saturating_add(1);
            match takes(word) {
                Some(Takes::Code) | None => {
                    let code = args.get(at..).unwrap_or_default();
                    return match code {
                        [only] if only.is("-") => self.code_input(args, around),
                        _ => self.inline_code(code, args, around),
                    };
                }
                Some(Takes::File) => break,
                Some(Takes::Value) => at = at.saturating_add(1),
                Some(Takes::Nothing) => {}
                Some(Takes::Shows) if args.get(at).is_none() => {
                    self.described(Kind::Inspect, args, around);
                    return;
                }
                Some(Takes::Shows) => {
                    at = at.saturating_add(usize::from(args.get(at).is_some_and(|next| !next.is_option())));
                }
            }
        }
        match args.get(at) {
            None => self.code_input(args, around),
            Some(file) if file.is("-") => self.code_input(args, around),
            // Without an option the older one takes it for code, the newer one for a file.
            Some(file)
                if name.starts_with("pwsh") && !file.shown.contains(char::is_whitespace)
                    || file.shown.ends_with(".ps1") =>
            {
                self.script_file(file, args, &around);
            }
            Some(_) => self.inline_code(args.get(at..).unwrap_or_default(), args, around),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_known_by_their_beginnings_in_any_case() {
        for word in ["-c", "-Command", "-COMMAND", "--command", "-co", "-enc", "-e", "-EC", "/c", "-CommandWithArgs"] {
            assert_eq!(takes(word), Some(Takes::Code), "{word}");
        }
        for word in ["-w", "-ep", "-ExecutionPolicy", "-ex", "-o", "-if", "-wo"] {
            assert_eq!(takes(word), Some(Takes::Value), "{word}");
        }
        assert_eq!(takes("-nop"), Some(Takes::Nothing));
        assert_eq!(takes("-f"), Some(Takes::File));
        assert_eq!(takes("-frobnicate"), None);
        assert_eq!(takes("-"), None);
    }
}
