//! The one recorder of figures, in the Prometheus text form.

use metrics_exporter_prometheus::PrometheusBuilder;
use std::sync::Arc;

/// Installs it for this process; the answer renders `/metrics`.
pub fn install() -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    Ok(Arc::new(move || handle.render()))
}
