//! `coord completions`: what makes a shell complete `coord` commands.
//!
//! A script only says how the shell is to ask; the answers come from this binary, each time, so that they know claims and
//! symbols. [`answer`] gives them, before anything else is looked at.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::{Cli, Done, Exit};
use crate::workspace::Env;

/// The variable by which a script asks for an answer, with the name of the shell.
const VARIABLE: &str = "COORD_COMPLETE";

/// Print what makes a shell complete coord's commands, claims, requests and symbols
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    source <(coord completions bash)             in ~/.bashrc\n  \
    source <(coord completions zsh)              in ~/.zshrc, after compinit\n  \
    coord completions fish | source              in ~/.config/fish/config.fish\n  \
    eval (coord completions elvish | slurp)      in ~/.config/elvish/rc.elv")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// A shell that can be told how to complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Shell::Bash => &WholeWords,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
            Shell::Powershell => &Powershell,
            Shell::Elvish => &Elvish,
        }
    }
}

pub(super) fn run(args: &CompletionsArgs) -> Done {
    let mut script = Vec::new();
    args.shell.completer().write_registration(VARIABLE, "coord", "coord", "coord", &mut script)?;
    // One line end at the end, as in any text.
    let script = String::from_utf8_lossy(&script);
    writeln!(io::stdout(), "{}", script.trim())?;
    Ok(Exit::Ok)
}

/// Answers a shell that asks what a word may become; `None` if none does.
pub(super) fn answer(env: &Env) -> Option<ExitCode> {
    env.get(VARIABLE)?;
    let shells: [&dyn EnvCompleter; 5] = [&WholeWords, &Zsh, &Fish, &Powershell, &Elvish];
    let completion =
        CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin("coord").shells(Shells(&shells));
    // Whatever is wrong: somebody is typing.
    let cwd = std::env::current_dir().ok();
    let done = completion.try_complete(std::env::args_os(), cwd.as_deref());
    Some(if done.unwrap_or(false) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Bash, which takes `a.ts::name` for three words unless it is told otherwise.
struct WholeWords;

impl EnvCompleter for WholeWords {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        var: &str,
        _name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let script = SCRIPT.replace("VAR", var).replace("COMPLETER", completer).replace("BIN", bin);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        Bash.write_complete(cmd, args, current_dir, buf)
    }
}

/// Puts words together that stand together on the line, and takes off the answers what bash keeps of the word.
const SCRIPT: &str = r#"_coord_complete() {
    local IFS=$'\n' line=$COMP_LINE piece i index=0
    local -a words=()
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* && $piece$last == *:* ]]; then
            words[${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"$piece"}
        local last=$piece
        if ((i == COMP_CWORD)); then
            index=$((${#words[@]} - 1))
            break
        fi
    done
    local current=${words[index]}
    COMPREPLY=($(VAR=bash _CLAP_COMPLETE_INDEX=$index \
        COMPLETER -- "${words[@]}" 2>/dev/null)) || COMPREPLY=()
    local kept=${current%"${current##*:}"}
    if [[ -n $kept && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    fi
    if [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _coord_complete BIN
"#;
