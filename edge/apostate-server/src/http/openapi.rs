//! The description of a node, as OpenAPI 3.1: what `/openapi.json` answers with.
//!
//! It is generated, so it cannot fall behind: from the route table, from the handlers that the node runs, with their authors'
//! words and the schemas of their arguments and replies, and from the wire types of `apostate-api`. Each route lists the
//! problems that it can answer with, by the codes of [`ErrorCode`].
//!
//! [`ErrorCode`]: apostate_api::ErrorCode

mod answers;
mod handlers;
mod node;
mod parameters;
mod portable;
mod schemas;

use apostate_api::{AskItem, LegItem, OperationItem, OwedItem, Problem, TimerItem};
use apostate_core::Registry;
use apostate_core::schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::http::openapi::answers::Answers;
use crate::http::route::Route;

/// What the description says of the application, and of the way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// What the application is called.
    pub(crate) title: &'a str,
    /// Its version.
    pub(crate) version: &'a str,
    /// What it is, in Markdown.
    pub(crate) description: &'a str,
    /// Whether callers need the node's token.
    pub(crate) needs_token: bool,
}

/// The description of a node that runs the kinds of `registry`.
pub(crate) fn openapi(registry: &Registry, routes: &[Route], about: &About<'_>) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    // What a node writes is described as it writes it: a field that may be left out is never null.
    let mut wire = settings.clone().for_serialize().into_generator();
    let mut generator = settings.into_generator();
    let answers = Answers { needs_token: about.needs_token };
    let mut paths = Map::new();
    for kind in registry.kinds() {
        handlers::describe(&mut paths, routes, kind, answers, &mut generator);
    }
    node::describe(&mut paths, routes, answers, &mut wire);
    wire.subschema_for::<Problem>();
    wire.subschema_for::<AskItem>();
    wire.subschema_for::<LegItem>();
    wire.subschema_for::<OperationItem>();
    wire.subschema_for::<OwedItem>();
    wire.subschema_for::<TimerItem>();
    let mut components = generator.take_definitions(true);
    components.extend(wire.take_definitions(true));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": about.title, "version": about.version },
        "servers": [{ "url": "/" }],
        "tags": tags(registry),
        "paths": paths,
        "components": { "schemas": components, "responses": answers::shared() },
    });
    if !about.description.is_empty() {
        document["info"]["description"] = about.description.into();
    }
    if about.needs_token {
        let token =
            json!({ "type": "http", "scheme": "bearer", "description": "The token that the node was started with." });
        document["components"]["securitySchemes"] = json!({ "token": token });
        document["security"] = json!([{ "token": [] }]);
    }
    schemas::finish(&mut document);
    portable::rewrite(&mut document);
    document
}

/// The words under which paths are listed: one for each kind, and one for the node.
fn tags(registry: &Registry) -> Vec<Value> {
    let kinds = registry.kinds().iter().map(|kind| match kind.doc {
        "" => json!({ "name": kind.name }),
        doc => json!({ "name": kind.name, "description": doc }),
    });
    let node =
        json!({ "name": node::TAG, "description": "The node itself: its health, its partitions, what was parked." });
    kinds.chain([node]).collect()
}

#[cfg(test)]
mod tests;
