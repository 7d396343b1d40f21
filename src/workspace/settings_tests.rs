use super::*;
use crate::workspace::testing::{Sandbox, discover};

const PLACEHOLDER_URL: &str = "http://127.0.0.1:8080";

/// Loads the settings in a clone `app` of the sandbox.
fn load(sandbox: &Sandbox, pairs: &[(&str, &str)]) -> Result<Settings, WorkspaceError> {
    let app = sandbox.path("app");
    if !app.join(".git").exists() {
        sandbox.init("app");
    }
    Settings::load(&app, Some(&discover(&app)), &sandbox.env(pairs))
}

fn shown(setting: Option<&Setting<String>>) -> Option<(&str, String)> {
    setting.map(|setting| (setting.value.as_str(), setting.source.to_string()))
}

#[test]
fn nothing_configured_is_embedded() {
    let sandbox = Sandbox::new();
    let settings = load(&sandbox, &[]).unwrap();
    assert_eq!(settings.service_url, None);
    assert_eq!(settings.token, None);
    assert_eq!(settings.repo_id, None);
    assert_eq!(settings.home, sandbox.path("home/.coord"));
}

#[test]
fn real_value_in_the_environment_wins_and_a_placeholder_gives_way() {
    let sandbox = Sandbox::new();
    let local = sandbox.write(
        "app/.coordination/local.env",
        "COORD_SERVICE_URL=https://team.example\nCOORD_TOKEN=local-token\nCOORD_REPO_ID=team/local\n",
    );
    let in_local = |key: &str| format!("{key} in {}", local.display());

    let placeholders = [
        ("COORD_API_URL", PLACEHOLDER_URL),
        ("COORD_AUTH_TOKEN", "set-me"),
        ("COORD_REPO_ID", "example-org/example-repo"),
    ];
    for pairs in [&placeholders[..], &[], &[("COORD_TOKEN", "REPLACE_ME")]] {
        let settings = load(&sandbox, pairs).unwrap();
        assert_eq!(
            shown(settings.service_url.as_ref()),
            Some(("https://team.example", in_local("COORD_SERVICE_URL")))
        );
        assert_eq!(shown(settings.repo_id.as_ref()), Some(("team/local", in_local("COORD_REPO_ID"))));
        assert_eq!(settings.token.unwrap().value.expose(), "local-token");
    }

    let pairs = [
        ("COORD_SERVICE_URL", "https://other.example/"),
        ("COORD_TOKEN", "other-token"),
        ("COORD_REPO_ID", "team/other"),
    ];
    let settings = load(&sandbox, &pairs).unwrap();
    let from_env = |key: &str| format!("{key} in the environment");
    assert_eq!(
        shown(settings.service_url.as_ref()),
        Some(("https://other.example", from_env("COORD_SERVICE_URL")))
    );
    assert_eq!(shown(settings.repo_id.as_ref()), Some(("team/other", from_env("COORD_REPO_ID"))));
    assert_eq!(settings.token.unwrap().source, Source::Environment("COORD_TOKEN"));
}

#[test]
fn lone_placeholders() {
    let sandbox = Sandbox::new();
    let pairs = [
        ("COORD_API_URL", PLACEHOLDER_URL),
        ("COORD_AUTH_TOKEN", "set-me"),
        ("COORD_REPO_ID", "example-org/example-repo"),
        ("COORD_SESSION_ID", "REPLACE_ME"),
    ];
    let settings = load(&sandbox, &pairs).unwrap();
    // The address is one `coord start` really serves on; the others are nobody's.
    assert_eq!(settings.service_url.unwrap().value, PLACEHOLDER_URL);
    assert_eq!(settings.token, None);
    assert_eq!(settings.repo_id, None);
    assert_eq!(settings.session_id, None);
}

#[test]
fn modes() {
    let team = "service_url = \"https://team.example\"\n";
    for (config, pairs, expected) in [
        ("mode = \"embedded\"", &[][..], None),
        ("mode = \"embedded\"\nservice_url = \"https://team.example\"", &[], None),
        ("mode = \"embedded\"", &[("COORD_API_URL", "https://env.example")], Some("https://env.example")),
        ("mode = \"embedded\"", &[("COORD_API_URL", PLACEHOLDER_URL)], Some(PLACEHOLDER_URL)),
        ("mode = \"local\"", &[], Some(PLACEHOLDER_URL)),
        (team, &[], Some("https://team.example")),
        (team, &[("COORD_API_URL", "https://env.example")], Some("https://env.example")),
        (team, &[("COORD_API_URL", PLACEHOLDER_URL)], Some(PLACEHOLDER_URL)),
        ("repo_id = \"team/app\"", &[], None),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("app/.coordination/config.toml", config);
        let settings = load(&sandbox, pairs).unwrap();
        assert_eq!(settings.service_url.map(|url| url.value).as_deref(), expected, "{config} {pairs:?}");
    }
}

#[test]
fn embedded_clone_ignores_an_address_left_in_local_env() {
    let sandbox = Sandbox::new();
    sandbox.write("app/.coordination/config.toml", "mode = \"embedded\"");
    sandbox.write("app/.coordination/local.env", "COORD_API_URL=https://team.example");
    assert_eq!(load(&sandbox, &[]).unwrap().service_url, None);
}

#[test]
fn config_gives_the_repo_id_last() {
    let sandbox = Sandbox::new();
    sandbox.write("app/.coordination/config.toml", "repo_id = \"team/config\"");
    let settings = load(&sandbox, &[("COORD_REPO_ID", "example-org/example-repo")]).unwrap();
    assert_eq!(settings.repo_id.unwrap().value, "team/config");
    assert_eq!(load(&sandbox, &[("COORD_REPO_ID", "a/b")]).unwrap().repo_id.unwrap().value, "a/b");
}

#[test]
fn remote_without_address_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("app/.coordination/config.toml", "mode = \"remote\"");
    let error = load(&sandbox, &[]).unwrap_err();
    assert!(matches!(error, WorkspaceError::ServiceUrlMissing { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("COORD_API_URL"));
}

#[test]
fn unusable_address_names_its_source() {
    let sandbox = Sandbox::new();
    let local = sandbox.write("app/.coordination/local.env", "COORD_API_URL=team.example");
    let error = load(&sandbox, &[]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("COORD_API_URL in {} is not", local.display())), "{error}");
}

#[test]
fn home_token_is_for_a_local_service_only() {
    let sandbox = Sandbox::new();
    let token = sandbox.write("elsewhere/token", "home-token\n");
    let elsewhere = sandbox.path("elsewhere");
    let home = ("COORD_HOME", elsewhere.to_str().unwrap());
    let found = |pairs: &[(&str, &str)]| load(&sandbox, pairs).unwrap().token;

    assert_eq!(found(&[home, ("COORD_API_URL", PLACEHOLDER_URL)]), None);
    sandbox.write("app/.coordination/config.toml", "mode = \"local\"");
    let setting = found(&[home]).unwrap();
    assert_eq!((setting.value.expose(), setting.source), ("home-token", Source::HomeToken(token)));
    assert_eq!(found(&[home, ("COORD_AUTH_TOKEN", "env-token")]).unwrap().value.expose(), "env-token");
    assert_eq!(found(&[home, ("COORD_API_URL", "https://other.example")]), None);
    assert_eq!(found(&[]), None);
}

#[test]
fn nearest_file_wins_up_to_the_filesystem_root() {
    let sandbox = Sandbox::new();
    sandbox.write(".coordination/local.env", "COORD_REPO_ID=above");
    sandbox.init("app");
    let below = sandbox.mkdir("app/src/deep");
    let found = || {
        let settings = Settings::load(&below, Some(&discover(&below)), &sandbox.env(&[])).unwrap();
        settings.repo_id.unwrap().value
    };
    assert_eq!(found(), "above");
    sandbox.write("app/.coordination/local.env", "COORD_REPO_ID=root");
    assert_eq!(found(), "root");
    sandbox.write("app/src/.coordination/local.env", "COORD_REPO_ID=src");
    assert_eq!(found(), "src");

    let outside = Settings::load(&sandbox.path(""), None, &sandbox.env(&[])).unwrap();
    assert_eq!(outside.repo_id.unwrap().value, "above");
}

#[test]
fn linked_worktree_looks_beside_the_main_one_before_going_up() {
    let sandbox = Sandbox::new();
    sandbox.write("trees/.coordination/local.env", "COORD_REPO_ID=above");
    let main = sandbox.clone_with_commit("app");
    sandbox.mkdir("trees");
    sandbox.git(&main, &["worktree", "add", "-q", "-b", "feature", "../trees/review"]);
    let linked = sandbox.path("trees/review");
    let found = || {
        let settings = Settings::load(&linked, Some(&discover(&linked)), &sandbox.env(&[])).unwrap();
        settings.repo_id.unwrap().value
    };
    assert_eq!(found(), "above");
    sandbox.write("app/.coordination/local.env", "COORD_REPO_ID=main");
    assert_eq!(found(), "main");
    sandbox.write("trees/review/.coordination/local.env", "COORD_REPO_ID=own");
    assert_eq!(found(), "own");
}

#[test]
fn malformed_files_stop_everything() {
    for (file, text) in [("local.env", "COORD_AUTH_TOKEN"), ("config.toml", "mode =")] {
        let sandbox = Sandbox::new();
        let path = sandbox.write(&format!("app/.coordination/{file}"), text);
        let error = load(&sandbox, &[("COORD_API_URL", "https://env.example")]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:1", path.display())), "{error}");
    }
}

#[test]
fn token_shows_in_no_debug_output() {
    let sandbox = Sandbox::new();
    sandbox.write("app/.coordination/local.env", "COORD_AUTH_TOKEN=sesame");
    let settings = load(&sandbox, &[]).unwrap();
    assert_eq!(settings.token.as_ref().unwrap().value.expose(), "sesame");
    assert!(!format!("{settings:?} {settings:#?}").contains("sesame"));
}

#[test]
fn a_token_does_not_go_where_a_committed_file_says() {
    let astray = |sandbox: &Sandbox, pairs: &[(&str, &str)]| {
        let error = load(sandbox, pairs).unwrap_err();
        assert!(matches!(error, WorkspaceError::TokenAstray { .. }), "{error:?}");
        let shown = format!("{error} {}", error.hint().unwrap());
        assert!(shown.contains("COORD_API_URL") && !shown.contains("sesame"), "{shown}");
        shown
    };
    let token = ("COORD_AUTH_TOKEN", "sesame");
    for file in ["config.toml", "local.env"] {
        let sandbox = Sandbox::new();
        let app = sandbox.init("app");
        let text = match file {
            "config.toml" => "service_url = \"https://file.example\"",
            _ => "COORD_API_URL=https://file.example",
        };
        let path = sandbox.write(&format!("app/.coordination/{file}"), text);
        let settings = load(&sandbox, &[token]).unwrap();
        assert_eq!(settings.service_url.unwrap().value, "https://file.example");

        sandbox.git(&app, &["add", "--force", "."]);
        let shown = astray(&sandbox, &[token]);
        assert!(shown.contains("COORD_AUTH_TOKEN in the environment"), "{shown}");
        assert!(shown.contains(path.to_str().unwrap()), "{shown}");
        load(&sandbox, &[]).unwrap();
        load(&sandbox, &[token, ("COORD_API_URL", "https://env.example")]).unwrap();
    }

    let sandbox = Sandbox::new();
    let app = sandbox.init("app");
    sandbox.write("app/.coordination/config.toml", "service_url = \"https://file.example\"");
    sandbox.git(&app, &["add", "."]);
    sandbox.write("app/.coordination/local.env", "COORD_AUTH_TOKEN=sesame\n");
    astray(&sandbox, &[]);
    sandbox.write(
        "app/.coordination/local.env",
        "COORD_AUTH_TOKEN=sesame\nCOORD_API_URL=https://file.example\n",
    );
    assert!(load(&sandbox, &[]).unwrap().token.is_some());
}

#[test]
fn a_file_that_anybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    for (file, text) in [("local.env", "COORD_USER=ada"), ("config.toml", "mode = \"local\"")] {
        let sandbox = Sandbox::new();
        let path = sandbox.write(&format!(".coordination/{file}"), text);
        load(&sandbox, &[]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let error = load(&sandbox, &[]).unwrap_err();
        assert!(matches!(error, WorkspaceError::Untrusted { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.hint().unwrap().contains("chmod"));
    }
}
