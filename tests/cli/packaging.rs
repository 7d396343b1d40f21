//! What coord is run with elsewhere, the container, systemd, Kubernetes, and the list of variables, held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use coord::server::{CLIENT_VARIABLES, SERVICE_VARIABLES};
use yaml_rust2::{Yaml, YamlLoader};

use super::harness::{COORD, TOKEN, World};

const KUBERNETES: &str = "docs/deploy/kubernetes";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn yaml(path: &str) -> Yaml {
    let mut documents =
        YamlLoader::load_from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

/// Every variable with its default as the documents write it.
fn variables() -> BTreeMap<&'static str, &'static str> {
    SERVICE_VARIABLES
        .iter()
        .chain(CLIENT_VARIABLES)
        .map(|&(name, value)| (name, value.unwrap_or("")))
        .collect()
}

/// The names of variables in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit();
    let words = text.split(|c: char| !is_name(c)).filter(|word| word.starts_with("COORD_") && word.len() > 8);
    words.filter(|word| !word.ends_with('_')).collect()
}

/// Every Rust file of the crate.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_list_has_every_variable_that_is_read() {
    let listed: BTreeSet<&str> = variables().into_keys().collect();
    let mut found = BTreeSet::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        if path.ends_with("server/variables.rs") {
            continue;
        }
        // Only whole literals: what is said about variables is not what is read.
        for name in
            text.split('"').filter(|literal| named(literal).len() == 1 && literal.starts_with("COORD_"))
        {
            if name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                found.insert(name.to_owned());
            }
        }
    }
    let unlisted: Vec<&String> = found.iter().filter(|name| !listed.contains(name.as_str())).collect();
    assert!(unlisted.is_empty(), "not in src/server/variables.rs: {unlisted:?}");
    let unread: Vec<&&str> = listed.iter().filter(|name| !found.contains(**name)).collect();
    assert!(unread.is_empty(), "nobody reads {unread:?}");
}

#[test]
fn the_documented_variables_are_those_of_the_code() {
    let text = read("docs/configuration.md");
    let mut told = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `COORD_")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let value = if matches!(cells[2], "none" | "all") { "" } else { cells[2] };
        assert_eq!(told.insert(cells[1], value), None, "{row}");
    }
    assert_eq!(told, variables());
}

#[test]
fn the_example_of_an_environment_has_them_all() {
    let text = read(".env.example");
    let lines =
        text.lines().map(|line| line.trim_start_matches('#')).filter(|line| line.starts_with("COORD_"));
    let told: BTreeMap<&str, &str> = lines.map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(told, variables());
    let set: Vec<&str> = text.lines().filter(|line| line.starts_with("COORD_")).collect();
    assert_eq!(set, ["COORD_AUTH_TOKEN="], "whatever is set here is set for the container, too");
}

#[test]
fn nothing_names_a_variable_that_there_is_not() {
    let known: BTreeSet<&str> = variables().into_keys().collect();
    for path in ["Dockerfile", "compose.yaml", "docs/deploy/systemd/coord.service", "docs/deployment.md"] {
        let text = read(path);
        let strange: Vec<&str> = named(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(strange.is_empty(), "{path}: {strange:?}");
    }
    let deployment = yaml(&format!("{KUBERNETES}/deployment.yaml"));
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    for variable in container["env"].as_vec().unwrap() {
        assert!(known.contains(variable["name"].as_str().unwrap()), "{variable:?}");
    }
}

#[test]
fn manifests_agree_with_each_other() {
    let manifest = |name: &str| yaml(&format!("{KUBERNETES}/{name}.yaml"));
    let kinds = ["deployment", "service", "pvc", "secret.example"].map(|name| manifest(name)["kind"].clone());
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str().unwrap()).collect();
    assert_eq!(kinds, ["Deployment", "Service", "PersistentVolumeClaim", "Secret"]);
    let (deployment, service) = (manifest("deployment"), manifest("service"));
    let spec = &deployment["spec"];
    assert_eq!((spec["replicas"].as_i64(), spec["strategy"]["type"].as_str()), (Some(1), Some("Recreate")));
    assert_eq!(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
    assert_eq!(service["spec"]["selector"], spec["template"]["metadata"]["labels"]);
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"].as_str(), Some(concat!("coord:", env!("CARGO_PKG_VERSION"))));
    assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
    let token = &container["env"][0]["valueFrom"]["secretKeyRef"];
    let secret = manifest("secret.example");
    assert_eq!(token["name"], secret["metadata"]["name"]);
    assert!(!secret["stringData"][token["key"].as_str().unwrap()].is_badvalue());
    let claim = &pod["volumes"][0]["persistentVolumeClaim"]["claimName"];
    assert_eq!(*claim, manifest("pvc")["metadata"]["name"]);
    let served: BTreeSet<&str> = coord::server::served().map(|(path, _)| path).collect();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert!(served.contains(container[probe]["httpGet"]["path"].as_str().unwrap()), "{probe}");
    }
    assert_eq!(pod["securityContext"]["runAsUser"].as_i64(), Some(10001));
}

#[test]
fn compose_and_the_container_say_the_same() {
    let compose = yaml("compose.yaml");
    let service = &compose["services"]["coord"];
    let dockerfile = read("Dockerfile");
    for name in ["COORD_HOST", "COORD_PORT", "COORD_DATABASE_PATH"] {
        let value = service["environment"][name].as_str().unwrap();
        assert!(dockerfile.contains(&format!("{name}={value}")), "{name}");
    }
    assert!(service["environment"]["COORD_AUTH_TOKEN"].as_str().unwrap().contains(":?"), "it must be set");
    for line in
        ["USER 10001:10001", "VOLUME /data", "HEALTHCHECK", "ENTRYPOINT [\"coord\"]", "CMD [\"serve\"]"]
    {
        assert!(dockerfile.contains(line), "{line}");
    }
}

#[test]
fn the_unit_is_one() {
    let text = read("docs/deploy/systemd/coord.service");
    let mut sections: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None => sections.entry(section).or_default().push(line.split_once('=').unwrap()),
        }
    }
    assert_eq!(sections.keys().copied().collect::<Vec<_>>(), ["Install", "Service", "Unit"]);
    let service = &sections["Service"];
    let value = |name: &str| service.iter().find(|(known, _)| *known == name).unwrap().1;
    assert_eq!(value("ExecStart"), "/usr/local/bin/coord serve");
    let directory = format!("/var/lib/{}/", value("StateDirectory"));
    let database = service.iter().find_map(|(_, value)| value.strip_prefix("COORD_DATABASE_PATH=")).unwrap();
    assert!(database.starts_with(&directory), "{database}");
    assert!(!text.contains("COORD_AUTH_TOKEN="), "a token is nobody's business");
}

/// The health check of the container, run as it stands there.
#[test]
fn the_health_check_tells_whether_it_is_ready() {
    let dockerfile = read("Dockerfile").replace("\\\n", " ");
    let line = dockerfile.lines().find(|line| line.starts_with("HEALTHCHECK")).unwrap();
    let check = line.split_once("CMD ").unwrap().1;
    let world = World::empty();
    let service = world.serve(&[]);
    let port = service.url().rsplit(':').next().unwrap().to_owned();
    let place = world.at("").env("COORD_AUTH_TOKEN", TOKEN).env("COORD_PORT", &port);
    let directory = Path::new(COORD).parent().unwrap().display().to_string();
    let run = || place.run("sh", &["-c", &format!("PATH={directory}:$PATH; {check}")]);
    run().ok();
    drop(service);
    assert_ne!(run().status, Some(0));
}
