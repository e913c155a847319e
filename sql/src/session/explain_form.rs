//! The options of EXPLAIN, and a plan as text, JSON, YAML or XML.
//!
//! A plan is lines that are indented by depth, `->` before nodes below others. The other formats have the
//! same lines as trees.

use datafusion::sql::sqlparser::ast::{AnalyzeFormat, AnalyzeFormatKind, Expr, UtilityOption};
use serde_json::{Map, Value, json};

use super::settings::boolean;
use crate::binder::{OutputColumn, fold};
use crate::error::{Error, Result, SqlState};
use crate::types::{Type, TypeMod};

/// In which format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    Yaml,
    Xml,
}

/// What is told, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub analyze: bool,
    pub verbose: bool,
    pub costs: bool,
    pub settings: bool,
    pub timing: bool,
    pub summary: bool,
    pub format: Format,
}

/// A node as trees have it.
struct Tree {
    label: String,
    details: Vec<(String, String)>,
    children: Vec<Tree>,
}

fn on(name: &str, arg: Option<&Expr>) -> Result<bool> {
    let Some(arg) = arg else { return Ok(true) };
    let text = arg.to_string();
    match boolean(name, text.trim_matches('\'')) {
        Ok(value) => Ok(value == "on"),
        Err(_) => {
            Err(Error::new(SqlState::SyntaxError, format!("{name} requires a Boolean value")))
        }
    }
}

fn format_named(text: &str) -> Result<Format> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "text" => Format::Text,
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        "xml" => Format::Xml,
        _ => {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                format!("unrecognized value for EXPLAIN option \"format\": \"{text}\""),
            ));
        }
    })
}

impl Form {
    /// Reads the options.
    pub fn new(
        analyze: bool,
        verbose: bool,
        format: Option<&AnalyzeFormatKind>,
        options: Option<&[UtilityOption]>,
    ) -> Result<Form> {
        let mut form = Form {
            analyze,
            verbose,
            costs: true,
            settings: false,
            timing: false,
            summary: false,
            format: Format::Text,
        };
        if let Some(AnalyzeFormatKind::Keyword(kind) | AnalyzeFormatKind::Assignment(kind)) = format
        {
            form.format = match kind {
                AnalyzeFormat::TEXT => Format::Text,
                AnalyzeFormat::JSON => Format::Json,
                other => format_named(&other.to_string())?,
            };
        }
        let (mut timing, mut summary) = (None, None);
        for option in options.unwrap_or_default() {
            let name = fold(&option.name);
            let arg = option.arg.as_ref();
            match name.as_str() {
                "analyze" => form.analyze = on(&name, arg)?,
                "verbose" => form.verbose = on(&name, arg)?,
                "costs" => form.costs = on(&name, arg)?,
                "settings" => form.settings = on(&name, arg)?,
                "timing" => timing = Some(on(&name, arg)?),
                "summary" => summary = Some(on(&name, arg)?),
                "buffers" | "wal" => {
                    if on(&name, arg)? {
                        let name = name.to_uppercase();
                        return Err(Error::unsupported(format!("EXPLAIN ({name})")));
                    }
                }
                "format" => {
                    let text = arg.map(Expr::to_string).unwrap_or_default();
                    form.format = format_named(text.trim_matches('\''))?;
                }
                other => {
                    return Err(Error::new(
                        SqlState::SyntaxError,
                        format!("unrecognized EXPLAIN option \"{other}\""),
                    ));
                }
            }
        }
        if timing == Some(true) && !form.analyze {
            return Err(Error::new(
                SqlState::InvalidParameterValue,
                "EXPLAIN option TIMING requires ANALYZE",
            ));
        }
        form.timing = timing.unwrap_or(form.analyze);
        form.summary = summary.unwrap_or(form.analyze);
        Ok(form)
    }

    /// The column of the result.
    pub fn column(&self) -> OutputColumn {
        let kind = match self.format {
            Format::Json => Type::Json,
            _ => Type::Text,
        };
        let ty = TypeMod::plain(kind);
        OutputColumn { name: "QUERY PLAN".into(), ty, origin: None, position: None }
    }

    /// The rows of the result: a plan, and properties of the whole.
    pub fn rows(&self, lines: &[String], more: &[(String, Value)]) -> Vec<String> {
        if self.format == Format::Text {
            let shown = |value: &Value| match value {
                Value::Number(number) => {
                    format!("{:.3} ms", number.as_f64().unwrap_or_default())
                }
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let more = more.iter().map(|(name, value)| format!("{name}: {}", shown(value)));
            return lines.iter().cloned().chain(more).collect();
        }
        let mut whole = Map::new();
        let mut trees = Vec::new();
        for part in trees_of(lines) {
            match part {
                Ok(tree) => trees.push(value_of(&tree)),
                Err((name, value)) => drop(whole.insert(name, Value::String(value))),
            }
        }
        match trees.len() {
            1 => drop(whole.insert("Plan".into(), trees.pop().unwrap_or_default())),
            _ => drop(whole.insert("Plans".into(), Value::Array(trees))),
        }
        whole.extend(more.iter().cloned());
        let whole = Value::Object(whole);
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(&json!([whole])).unwrap_or_default(),
            Format::Yaml => {
                let mut text = String::new();
                yaml(&Value::Array(vec![whole]), 0, &mut text);
                text.trim_end().to_owned()
            }
            _ => {
                let mut text =
                    String::from("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n");
                xml("Query", &whole, 1, &mut text);
                text.push_str("</explain>");
                text
            }
        };
        vec![text]
    }
}

/// Lines as trees, and what they say of the whole.
fn trees_of(lines: &[String]) -> Vec<std::result::Result<Tree, (String, String)>> {
    let mut found = Vec::new();
    // Nodes from the root to the last one, with their indents.
    let mut open: Vec<(usize, Tree)> = Vec::new();
    let close = |open: &mut Vec<(usize, Tree)>, indent: usize| {
        let mut closed = None;
        while open.last().is_some_and(|(at, _)| *at >= indent) {
            let Some((_, tree)) = open.pop() else { break };
            match open.last_mut() {
                Some((_, parent)) => parent.children.push(tree),
                None => closed = Some(tree),
            }
        }
        closed
    };
    let vectorized = lines.iter().any(|line| line == "Executor: vectorized");
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        let (text, is_node) = match line.trim_start().strip_prefix("->  ") {
            Some(text) => (text, true),
            None => (line.trim_start(), indent == 0 || vectorized),
        };
        if let Some(executor) = text.strip_prefix("Executor: ") {
            found.push(Err(("Executor".to_owned(), executor.to_owned())));
        } else if is_node {
            found.extend(close(&mut open, indent).map(Ok));
            let tree = Tree { label: text.to_owned(), details: Vec::new(), children: Vec::new() };
            open.push((indent, tree));
        } else if let Some((_, node)) = open.last_mut() {
            let (name, value) = text.split_once(": ").unwrap_or(("Detail", text));
            node.details.push((name.to_owned(), value.to_owned()));
        }
    }
    found.extend(close(&mut open, 0).map(Ok));
    found
}

/// A node with what its line says in parentheses taken apart.
fn value_of(tree: &Tree) -> Value {
    let mut node = Map::new();
    let mut label = tree.label.as_str();
    let mut measured = Vec::new();
    if let Some(kept) = label.strip_suffix(" (never executed)") {
        label = kept;
        measured.push(("Actual Loops".to_owned(), json!(0)));
    }
    let of_actual = label
        .rsplit_once(" (actual ")
        .and_then(|(kept, rest)| rest.strip_suffix(')').map(|rest| (kept, rest)));
    if let Some((kept, told)) = of_actual {
        label = kept;
        for part in told.split(' ') {
            let Some((name, value)) = part.split_once('=') else { continue };
            let name = match name {
                "time" => "Actual Total Time",
                "rows" => "Actual Rows",
                _ => "Actual Loops",
            };
            let value: f64 = value.parse().unwrap_or_default();
            measured.push((name.to_owned(), json!(value)));
        }
    }
    let of_plan =
        label.rsplit_once(" (rows=").and_then(|(kept, rest)| Some((kept, rest.strip_suffix(')')?)));
    if let Some((kept, rows)) = of_plan {
        label = kept;
        measured
            .insert(0, ("Plan Rows".to_owned(), json!(rows.parse::<f64>().unwrap_or_default())));
    }
    node.insert("Node Type".into(), Value::String(label.to_owned()));
    node.extend(measured);
    for (name, value) in &tree.details {
        node.insert(name.clone(), Value::String(value.clone()));
    }
    if !tree.children.is_empty() {
        node.insert("Plans".into(), tree.children.iter().map(value_of).collect());
    }
    Value::Object(node)
}

fn yaml(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Array(items) => {
            for item in items {
                let mut text = String::new();
                yaml(item, depth + 1, &mut text);
                out.push_str(&format!("{indent}- {}", text.trim_start()));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::Array(_) | Value::Object(_) => {
                        out.push_str(&format!("{indent}{name}:\n"));
                        yaml(member, depth + 1, out);
                    }
                    other => out.push_str(&format!("{indent}{name}: {other}\n")),
                }
            }
        }
        other => out.push_str(&format!("{indent}{other}\n")),
    }
}

fn xml(name: &str, value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let tag = name.replace(' ', "-");
    match value {
        Value::Array(items) => {
            out.push_str(&format!("{indent}<{tag}>\n"));
            items.iter().for_each(|item| xml("Plan", item, depth + 1, out));
            out.push_str(&format!("{indent}</{tag}>\n"));
        }
        Value::Object(members) => {
            out.push_str(&format!("{indent}<{tag}>\n"));
            members.iter().for_each(|(name, member)| xml(name, member, depth + 1, out));
            out.push_str(&format!("{indent}</{tag}>\n"));
        }
        other => {
            let text = match other {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("{indent}<{tag}>{text}</{tag}>\n"));
        }
    }
}
