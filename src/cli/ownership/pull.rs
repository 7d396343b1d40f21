//! `coord ownership pull`: fetch the rules that count.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{path, worktree};
use crate::cli::context::client_anywhere;
use crate::cli::error::Kind;
use crate::cli::output::{self, Style};
use crate::cli::{CliError, Done, Exit};
use crate::workspace::Env;

/// Fetch the rules that count, with what has been promoted since they were pushed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership pull\n  \
    coord ownership pull - | diff .coordination/owners.yaml -")]
pub(super) struct PullArgs {
    /// Write them to this file, or to stdout if it is - [default: the rules of the clone]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write over a file that says something else
    #[arg(long)]
    force: bool,
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
enum PullError {
    #[error("there are no rules yet")]
    Nothing,
    #[error("`{file}` is outside the clone")]
    Outside { file: String },
    #[error("`{file}` says something else")]
    Differs { file: String },
    #[error("cannot write `{file}`")]
    Write { file: String, source: io::Error },
}

pub(super) fn run(args: PullArgs, env: &Env) -> Done {
    let to_stdout = args.file.as_deref() == Some(Path::new("-"));
    let named = args.file.is_some();
    let path = if to_stdout { None } else { Some(path(args.file)?) };
    let Some(text) = client_anywhere(env, "fetch the rules of a service")?.ownership()? else {
        return Err(CliError::new(Kind::Failed, PullError::Nothing)
            .hint("write some to .coordination/owners.yaml; `coord ownership push` lets them count"));
    };
    let Some(path) = path else {
        io::stdout().write_all(text.as_bytes())?;
        return Ok(Exit::Ok);
    };
    let file = output::clean(&path.display().to_string());
    if !named && leads_out(&path)? {
        return Err(CliError::new(Kind::Failed, PullError::Outside { file })
            .hint("name the file, as in `coord ownership pull FILE`, if it is meant to be written there"));
    }
    let failed = |source| CliError::new(Kind::Failed, PullError::Write { file: file.clone(), source });
    match fs::read(&path) {
        Ok(bytes) if bytes == text.as_bytes() => {
            output::line(&format!("{} {file}", Style::Good.paint("unchanged")))?;
            return Ok(Exit::Ok);
        }
        Ok(_) if !args.force => {
            return Err(CliError::new(Kind::Failed, PullError::Differs { file }).hint(
                "`coord ownership pull -` shows what counts; --force writes over the file, `coord ownership push` \
                 lets the file count",
            ));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    write(&path, &text).map_err(failed)?;
    output::line(&format!("{} {file}", Style::Good.paint("pulled")))?;
    Ok(Exit::Ok)
}

/// Whether a link among its directories leads the clone's own file out of the clone. What is committed may hold such links,
/// and does not decide what is written elsewhere.
fn leads_out(path: &Path) -> Result<bool, CliError> {
    let tree = worktree(&std::env::current_dir()?)?;
    let real = path.ancestors().skip(1).find_map(|directory| directory.canonicalize().ok());
    let main = tree.common_dir.parent().unwrap_or(&tree.root);
    let is_inside = |real: PathBuf| {
        [tree.root.as_path(), main]
            .iter()
            .any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
    };
    Ok(!real.is_some_and(is_inside))
}

/// Writes a file whole or not at all, in place of a link and not through it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = directory.join(name);
    fs::write(&draft, text)?;
    fs::rename(&draft, path).inspect_err(|_| {
        // What is left of it is no use to anybody.
        let _ = fs::remove_file(&draft);
    })
}
