//! Is it up, is it ready, what is it? Answered without a token.

use serde_json::json;

use super::app::App;
use super::reply::Reply;
use crate::wire::Ready;

/// The name that clients of 0.27 know the service by.
const NAME: &str = "multi-agent-coordination";

pub(super) fn health() -> Reply {
    Reply::text("ok")
}

pub(super) async fn ready(app: &App) -> Result<Reply, Reply> {
    app.coordinator.ready().await?;
    Ok(Reply::json(
        200,
        &Ready {
            status: "ready".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            auth_mode: app.config.auth_mode().into(),
            database_path: app.config.database.display().to_string(),
        },
    ))
}

pub(super) fn meta(app: &App) -> Reply {
    let meta = json!({
        "name": NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "auth_mode": app.config.auth_mode(),
        "repo_root_configured": app.config.checkout.is_some(),
    });
    Reply::json(200, &meta)
}
