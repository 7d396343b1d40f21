//! What `templates/` and `hooks/` hold is what it says it is, and is what `coord init` writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::World;
use super::init::{installed, read};

fn template(relative: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("templates").join(relative);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

#[test]
fn each_parses() {
    for file in [".mcp.json", ".cursor/mcp.json", "eslint/restricted-imports.json"] {
        serde_json::from_str::<serde_json::Value>(&template(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    toml::from_str::<toml::Table>(&template(".codex/config.toml")).unwrap();
    assert_eq!(coord::ownership::Rules::parse_upload(&template("owners.yaml")).unwrap().rules(), 4);
    let workflow = yaml_rust2::YamlLoader::load_from_str(&template(".github/workflows/coord.yml")).unwrap();
    let steps = workflow[0]["jobs"]["check"]["steps"].as_vec().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["run"].as_str().is_some_and(|run| run.starts_with("coord check --diff")))
    );
    for file in ["agents.md", "module-guide.md", "merge-queue.md"] {
        assert!(template(file).starts_with('#') && template(file).ends_with('\n'), "{file}");
    }
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks/pre-push");
    assert!(Command::new("sh").arg("-n").arg(hook).status().unwrap().success());
}

#[test]
fn the_examples_are_what_is_written() {
    let world = World::embedded();
    let tools = ["--tool", "claude", "--tool", "codex", "--tool", "cursor"];
    let url = ["--service-url", "https://coord.example"];
    installed(&world, "app").coord(&[&["init", "--yes"], &tools[..], &url[..]].concat()).ok();
    for file in [".mcp.json", ".cursor/mcp.json", ".codex/config.toml"] {
        assert_eq!(read(&world, &format!("app/{file}")), template(file), "{file}");
    }
    for file in [".git/hooks/pre-push", ".coordination/hooks/pre-push"] {
        let path = world.path("app").join(file);
        assert!(Command::new("sh").arg("-n").arg(path).status().unwrap().success(), "{file}");
    }
}
