//! The closed sets of words in shell trees: kinds, signs, features.
//!
//! `engine/command/shell/kinds.py` says what each means; a test holds the two together. docs/commands.md is made from it.

use crate::sql::tree::Effect;

macro_rules! kinds {
    ($($variant:ident $word:literal $effect:ident,)*) => {
        /// What an operation is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($variant),* }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $word),* }
            }

            /// The effect where nothing makes it graver.
            pub fn effect(self) -> Effect {
                match self { $(Kind::$variant => Effect::$effect),* }
            }
        }
    };
}

kinds! {
    Unknown "unknown" Unknown,
    Empty "empty" Read,
    Control "control" Session,
    Assign "assign" Session,
    Session "session" Session,
    DefineFunction "define_function" Session,
    CallFunction "call_function" Execute,
    Print "print" Read,
    Compare "compare" Read,
    Inspect "inspect" Read,
    Redirect "redirect" Read,
    CreateFile "create_file" Create,
    WriteFile "write_file" Write,
    CopyFile "copy_file" Create,
    MoveFile "move_file" Write,
    DeleteFile "delete_file" Delete,
    Archive "archive" Create,
    Device "device" Delete,
    Mount "mount" Grant,
    Permissions "permissions" Grant,
    Account "account" Grant,
    Process "process" Execute,
    Service "service" Execute,
    Power "power" Execute,
    Schedule "schedule" Execute,
    Kernel "kernel" Execute,
    Firewall "firewall" Grant,
    NetworkSettings "network_settings" Execute,
    Fetch "fetch" Read,
    Send "send" Write,
    Connect "connect" Execute,
    Listen "listen" Execute,
    RemoteShell "remote_shell" Execute,
    RemoteCopy "remote_copy" Write,
    RunFile "run_file" Execute,
    RunCode "run_code" Execute,
    Run "run" Execute,
    Build "build" Execute,
    Package "package" Execute,
    Publish "publish" Write,
    VersionControl "version_control" Write,
    Container "container" Execute,
    Cluster "cluster" Execute,
    Cloud "cloud" Execute,
    Infrastructure "infrastructure" Execute,
    Database "database" Execute,
    Secrets "secrets" Read,
}

macro_rules! signs {
    ($($variant:ident $word:literal,)*) => {
        /// What is noteworthy about one command, whatever a policy makes of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Sign { $($variant),* }

        impl Sign {
            pub const ALL: &'static [Sign] = &[$(Sign::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Sign::$variant => $word),* }
            }

            pub fn named(word: &str) -> Option<Sign> {
                Sign::ALL.iter().copied().find(|sign| sign.as_str() == word)
            }
        }
    };
}

signs! {
    AccountChange "account_change",
    BulkDelete "bulk_delete",
    CapturesInput "captures_input",
    ContainerEscape "container_escape",
    CredentialRead "credential_read",
    CredentialShown "credential_shown",
    CredentialWrite "credential_write",
    DestructiveVerb "destructive_verb",
    DownloadAndRun "download_and_run",
    DynamicDelete "dynamic_delete",
    Exfiltration "exfiltration",
    ExecutionVariable "execution_variable",
    InstallsPackages "installs_packages",
    KernelChange "kernel_change",
    KillsProcesses "kills_processes",
    Listens "listens",
    NetworkRedirect "network_redirect",
    Obfuscated "obfuscated",
    OddPath "odd_path",
    OpaqueCode "opaque_code",
    OutsideDelete "outside_delete",
    PermissionsOpened "permissions_opened",
    Persistence "persistence",
    PowerChange "power_change",
    PrivilegeChange "privilege_change",
    ProtectionOff "protection_off",
    Publishes "publishes",
    RawDevice "raw_device",
    RemoteRun "remote_run",
    ResourceExhaustion "resource_exhaustion",
    ReverseShell "reverse_shell",
    RewritesHistory "rewrites_history",
    SendsData "sends_data",
    ServiceChange "service_change",
    SystemDiscovery "system_discovery",
    SystemWrite "system_write",
    TraceRemoval "trace_removal",
    UnverifiedServer "unverified_server",
    WholeTree "whole_tree",
}

impl Kind {
    pub fn named(word: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Steps of `via`; a wrapper's step is `wrapper:` and its name.
pub const VIA: &[&str] = &[
    "top",
    "pipeline",
    "and_or",
    "group",
    "subshell",
    "background",
    "substitution",
    "process_substitution",
    "function",
    "loop",
    "conditional",
    "case",
    "coprocess",
    "here_document",
    "argument",
    "wrapper:NAME",
];

/// Features of a whole command.
pub const FEATURES: &[&str] = &[
    "alias_defined",
    "background",
    "control_character",
    "dynamic_command",
    "function_defined",
    "here_document",
    "opaque_code",
    "remote",
    "shadowed_program",
    "syntax_error",
    "privilege",
];
