//! What the installation may rely on: nothing accepted is lost, nothing comes twice.

mod consistency;
mod kills;
mod outages;
mod stored;
