//! The web app in Chromium against the real server: one file per story, with its script beside it.

mod answer;
mod desk;
mod first_run;
mod office;
mod shop;
