//! Which tenants this node routes: those of the shards it owns, a fair share of all.
//!
//! Every second it looks who owns what and how far each tenant's log is, in one statement each;
//! that look is also what finds the work when every hint was lost.

use super::{Router, SHARD_LOST};
use crate::{App, Error, Result};
use domain::TenantId;
use std::collections::BTreeMap;
use std::time::Duration;
use store::events;
use store::leases::{self, SHARDS, Shard};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_secs(1);
/// A timer that is due later is set again, in case the wall clock was moved meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// One tenant's task.
struct Running {
    shard: Shard,
    heads: watch::Sender<i64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Routes until `stop`; then lets decisions under way finish and gives the shards back.
pub async fn run(app: App, stop: CancellationToken) {
    let mut running = BTreeMap::new();
    while !stop.is_cancelled() {
        if let Err(error) = look(&app, &mut running, &stop).await {
            tracing::warn!(error = %error, "the router could not look for its tenants, trying again");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = crate::wait::after(TICK) => {}
        }
    }
    for (_, one) in running {
        end(one).await;
    }
    if let Err(error) = give_back(&app).await {
        tracing::warn!(error = %error, "the router could not give its shards back; they are freed with the node's lease");
    }
}

async fn look(
    app: &App,
    running: &mut BTreeMap<TenantId, Running>,
    stop: &CancellationToken,
) -> Result<()> {
    let mut mine = leases::shards_of(&app.read(), app.config.node).await?;
    let share = share(app).await?;
    let vacant = leases::vacant_since(&app.read()).await?.is_some();
    if mine.len() > share || (vacant && mine.len() < share) {
        mine = balance(app, &mine, share).await?;
    }
    let mine: BTreeMap<i64, Shard> = mine.into_iter().map(|s| (s.shard, s)).collect();
    let heads: BTreeMap<TenantId, i64> = events::heads(&app.read())
        .await?
        .into_iter()
        .map(|(tenant, head)| (tenant, head.seq))
        .collect();
    let lost = running.extract_if(.., |tenant, one| {
        let shard = mine.get(&leases::shard_of(*tenant));
        let is_gone = !heads.contains_key(tenant);
        shard != Some(&one.shard) || is_gone || one.task.is_finished()
    });
    for (_, one) in lost.collect::<Vec<_>>() {
        end(one).await;
    }
    for (tenant, head) in heads {
        let Some(shard) = mine.get(&leases::shard_of(tenant)) else {
            continue;
        };
        let one = running
            .entry(tenant)
            .or_insert_with(|| start(app, tenant, *shard, stop));
        one.heads.send_if_modified(|known| {
            let moved = *known != head;
            *known = head;
            moved
        });
    }
    Ok(())
}

/// How many shards each routing node should own. At least one node routes: this one.
async fn share(app: &App) -> Result<usize> {
    let nodes = leases::live_nodes(&app.read(), app.now()).await?;
    let routers = nodes
        .iter()
        .filter(|(_, roles)| roles.contains("router"))
        .count();
    Ok((SHARDS as usize).div_ceil(routers.max(1)))
}

async fn balance(app: &App, mine: &[Shard], share: usize) -> Result<Vec<Shard>> {
    let node = app.config.node;
    let tx = app.store.begin_global("share_shards").await?;
    for surplus in mine.iter().skip(share) {
        leases::release_shard(&tx, node, *surplus).await?;
    }
    let wanted = share.saturating_sub(mine.len()) as u64;
    if wanted > 0 {
        leases::take_shards(&tx, node, wanted).await?;
    }
    let mine = leases::shards_of(&tx, node).await?;
    app.commit(tx, mine).await
}

async fn give_back(app: &App) -> Result<()> {
    let node = app.config.node;
    let tx = app.store.begin_global("return_shards").await?;
    for shard in leases::shards_of(&tx, node).await? {
        leases::release_shard(&tx, node, shard).await?;
    }
    app.commit(tx, ()).await
}

fn start(app: &App, tenant: TenantId, shard: Shard, stop: &CancellationToken) -> Running {
    let stop = stop.child_token();
    let (heads, heads_seen) = watch::channel(0);
    let task = tokio::spawn(route(
        app.clone(),
        Router::new(tenant, shard),
        heads_seen,
        stop.clone(),
    ));
    Running {
        shard,
        heads,
        stop,
        task,
    }
}

async fn end(one: Running) {
    one.stop.cancel();
    if let Err(error) = one.task.await {
        tracing::error!(error = %error, "the router of a tenant broke");
    }
}

async fn route(
    app: App,
    mut router: Router,
    mut heads: watch::Receiver<i64>,
    stop: CancellationToken,
) {
    let mut wakes = app.bus.watch(router.tenant);
    while !stop.is_cancelled() {
        // Hints that came before this look are answered by it.
        wakes.mark_unchanged();
        heads.mark_unchanged();
        let pause = match router.step(&app).await {
            Ok(next) => next.map_or(SLEEP_MAX, |at| {
                (at - app.now()).to_std().unwrap_or_default().min(SLEEP_MAX)
            }),
            Err(Error::Conflict {
                code: SHARD_LOST, ..
            }) => return,
            Err(error) => {
                tracing::warn!(tenant.id = %router.tenant, error = %error, "routing failed, trying again");
                TICK
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            Ok(()) = wakes.changed() => {}
            Ok(()) = heads.changed() => {}
            () = crate::wait::after(pause) => {}
        }
    }
}
