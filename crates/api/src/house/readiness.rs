//! Whether this process may get traffic.

use crate::health::Readiness;
use app::App;
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct AppReadiness {
    app: App,
    draining: Arc<AtomicBool>,
}

impl AppReadiness {
    pub fn new(app: App, draining: Arc<AtomicBool>) -> Self {
        Self { app, draining }
    }
}

#[async_trait]
impl Readiness for AppReadiness {
    async fn problems(&self) -> Vec<String> {
        if self.draining.load(Ordering::Relaxed) {
            return vec!["this process is shutting down".to_owned()];
        }
        app::health::problems(&self.app).await
    }
}
