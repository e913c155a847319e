//! Makes a statement that the servers differ on as small as it gets, and its tables too.

use super::grammar;
use super::tree::{Node, Sort};
use super::{Case, Servers};

const MOST_TRIES: u32 = 600;

/// The smallest case found that differs in the same way.
pub async fn shrink(servers: &mut Servers, case: Case, difference: &str) -> Case {
    let mut tries = 0;
    let mut smallest = case;
    loop {
        let mut smaller = None;
        for candidate in candidates(&smallest) {
            tries += 1;
            if tries > MOST_TRIES {
                return smallest;
            }
            if servers.differs(&candidate).await.as_deref() == Some(difference) {
                smaller = Some(candidate);
                break;
            }
        }
        match smaller {
            Some(candidate) => smallest = candidate,
            None => break,
        }
    }
    without_statements(servers, smallest, difference).await
}

/// What may stand for a part, from the outside in: nothing, a part of itself, a constant.
fn candidates(case: &Case) -> Vec<Case> {
    let nodes = case.statement.all();
    let length = case.statement.sql().len();
    let mut found = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let mut others: Vec<Node> = Vec::new();
        if node.sort == Sort::Clause {
            others.push(Node::text(Sort::Clause, ""));
        }
        others
            .extend(node.all().into_iter().skip(1).filter(|part| part.sort == node.sort).cloned());
        if let Sort::Value(of) = node.sort {
            others.extend(
                grammar::constants(of).iter().map(|text| Node::text(node.sort.clone(), *text)),
            );
        }
        for other in others {
            let statement = case.statement.with(index, &other);
            if statement.sql().len() < length {
                found.push(Case { statement, ..case.clone() });
            }
        }
    }
    found
}

/// Leaves out what the schema does not need for it, from its end.
async fn without_statements(servers: &mut Servers, mut case: Case, difference: &str) -> Case {
    let mut at = case.setup.len();
    while at > 0 {
        at -= 1;
        let mut candidate = case.clone();
        candidate.setup.remove(at);
        if !servers.prepare(&candidate.setup).await {
            continue;
        }
        if servers.differs(&candidate).await.as_deref() == Some(difference) {
            case = candidate;
        }
    }
    servers.prepare(&case.setup).await;
    case
}
