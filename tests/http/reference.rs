//! Every example of docs/api-reference.md, played in order against a service.
//!
//! Ids in the document are made up: the first time one stands in a reply, it is learnt what it stands for here. Of
//! times only the form is compared.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use coord::server::served;
use serde_json::Value;

use super::harness::{Response, Server, TOKEN};

/// A fenced block: its info string and its lines.
struct Block {
    info: String,
    text: String,
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api-reference.md");
    std::fs::read_to_string(path).unwrap()
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                blocks.push(Block { info: info.to_owned(), text: String::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let text = &mut blocks.last_mut().unwrap().text;
                *text += line;
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// What the made-up ids stand for.
#[derive(Default)]
struct Ids(HashMap<String, String>);

impl Ids {
    /// A text with real ids in it.
    fn real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (told, real)| text.replace(told, real))
    }

    /// Compares what is told with what came.
    #[track_caller]
    fn compare(&mut self, told: &Value, real: &Value, place: &str) {
        match (told, real) {
            (Value::Object(told), Value::Object(real)) => {
                let (names, found): (Vec<_>, Vec<_>) = (told.keys().collect(), real.keys().collect());
                assert_eq!(names, found, "{place}");
                for (name, told) in told {
                    self.compare(told, &real[name], &format!("{place}.{name}"));
                }
            }
            (Value::Array(told), Value::Array(real)) => {
                assert_eq!(told.len(), real.len(), "{place}");
                for (index, (told, real)) in told.iter().zip(real).enumerate() {
                    self.compare(told, real, &format!("{place}[{index}]"));
                }
            }
            (Value::String(told), Value::String(real)) => self.compare_texts(told, real, place),
            _ => assert_eq!(told, real, "{place}"),
        }
    }

    #[track_caller]
    fn compare_texts(&mut self, told: &str, real: &str, place: &str) {
        let is_time = |text: &str| text.len() == 20 && text.parse::<jiff::Timestamp>().is_ok();
        if is_time(told) {
            assert!(is_time(real), "{place}: {real}");
        } else if told.parse::<uuid::Uuid>().is_ok() {
            assert!(real.parse::<uuid::Uuid>().is_ok(), "{place}: {real}");
            assert_eq!(self.0.entry(told.to_owned()).or_insert_with(|| real.to_owned()), real, "{place}");
        } else if place.ends_with(".detail") && told.starts_with('{') {
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            self.compare(&read(told), &read(real), place);
        } else if told.contains("(expires ") {
            let until = |text: &str| text.split("(expires ").next().unwrap().to_owned();
            assert_eq!(until(told), until(real), "{place}");
        } else if !place.ends_with(".database_path") && !place.ends_with(".version") {
            assert_eq!(self.real(told), real, "{place}");
        }
    }
}

/// Sends what a block says.
fn send(server: &Server, text: &str) -> (String, Response) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let (method, target) = head.split_once(' ').unwrap();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    let response = server.raw(&request);
    super::openapi::conforms(method, target, &response);
    (head.to_owned(), response)
}

#[test]
fn examples_are_what_happens() {
    let server = Server::start();
    let mut ids = Ids::default();
    let blocks = blocks(&document());
    for (at, request) in blocks.iter().enumerate().filter(|(_, block)| block.info == "http") {
        let (head, response) = send(&server, &ids.real(&request.text));
        let told = blocks.get(at + 1).filter(|block| block.info != "http");
        let Some(told) = told else {
            assert_eq!((response.code(), response.body.as_str()), (204, ""), "{head}");
            continue;
        };
        let (kind, status) = told.info.split_once(' ').unwrap_or((&told.info, "200"));
        assert_eq!(response.code().to_string(), status, "{head}: {response:?}");
        match kind {
            "json" => ids.compare(&serde_json::from_str(&told.text).unwrap(), &response.json(), &head),
            _ => assert_eq!(response.body.trim_end(), told.text.trim_end(), "{head}"),
        }
    }
}

#[test]
fn every_route_is_told_of() {
    let document = document();
    let plain = |path: &str| -> Vec<String> {
        path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }.to_owned()).collect()
    };
    let told: BTreeSet<(String, Vec<String>)> = document
        .lines()
        .filter_map(|line| line.trim_start_matches("### ").split_once(' '))
        .filter(|(method, path)| matches!(*method, "GET" | "POST" | "DELETE") && path.starts_with('/'))
        .map(|(method, path)| (method.to_owned(), plain(path.split('?').next().unwrap())))
        .collect();
    for (path, methods) in served() {
        for method in methods.split(", ") {
            let one = (method.to_owned(), plain(path));
            assert!(told.contains(&one), "{method} {path}");
        }
    }
}
