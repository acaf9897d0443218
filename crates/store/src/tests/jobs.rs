//! Promises of lanes, claims, retries and dead letters.

use super::{count, tenant};
use crate::jobs::{self, NewJob, Retried, StoredJob};
use crate::{Store, events, for_each_backend};
use domain::image::Image;
use domain::job::{Job, JobState};
use domain::{InboxId, JobId, NodeId, TenantId, TicketId, Time};

const MINUTE: chrono::Duration = chrono::Duration::minutes(1);

fn job() -> Job {
    Job::CheckInbox {
        inbox: InboxId::from_uuid(uuid::Uuid::nil()),
    }
}

async fn enqueue(store: &Store, tenant: TenantId, jobs: Vec<NewJob>) -> Vec<JobId> {
    let mut tx = store.begin(tenant, "test.enqueue").await.expect("begins");
    let ids = jobs.into_iter().map(|job| tx.enqueue(job)).collect();
    tx.commit(ids).await.expect("commits").value
}

async fn claim(store: &Store, node: NodeId, locked_until: Time) -> Vec<StoredJob> {
    let tx = store.begin_global("test.claim").await.expect("begins");
    let claimed = jobs::claim(&tx, jobs::Which::All, node, 100, locked_until)
        .await
        .expect("claims");
    tx.commit(claimed).await.expect("commits").value
}

async fn finish(store: &Store, job: &StoredJob) {
    let tx = store.begin_global("test.finish").await.expect("begins");
    jobs::finish(&tx, job).await.expect("finishes");
    tx.commit(()).await.expect("commits");
}

fn ids(jobs: &[StoredJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

fn index(ticket: TicketId) -> NewJob {
    NewJob::new(Job::IndexTicket { ticket }, format!("index:{ticket}"))
}

/// What a batch would do now.
async fn due(store: &Store) -> Vec<JobId> {
    let due = jobs::batch::due(&store.read(), &["index_ticket"], store.now(), 100).await;
    ids(&due.expect("reads"))
}

for_each_backend! {
    async fn a_lane_runs_one_job_at_a_time_lowest_id_first(db) {
        let tenant = tenant(&db.store).await;
        let node = NodeId::new(db.store.now());
        let until = db.store.now() + MINUTE;
        let a = enqueue(&db.store, tenant, vec![NewJob::new(job(), "a"), NewJob::new(job(), "a")]).await;
        let b = enqueue(&db.store, tenant, vec![NewJob::new(job(), "b")]).await;
        let first = claim(&db.store, node, until).await;
        assert_eq!(ids(&first), [a[0], b[0]]);
        assert!(claim(&db.store, node, until).await.is_empty(), "both lanes are busy");
        finish(&db.store, &first[0]).await;
        assert_eq!(ids(&claim(&db.store, node, until).await), [a[1]]);
    }

    async fn a_batch_takes_lanes_from_their_first_job_and_none_that_runs(db) {
        let tenant = tenant(&db.store).await;
        let [a, b, c] = [(); 3].map(|()| TicketId::new(db.store.now()));
        let all = enqueue(&db.store, tenant, vec![index(a), index(b), index(a), index(c)]).await;
        assert_eq!(due(&db.store).await, all);
        // The first of b failed and waits; the second may not go before it.
        let node = NodeId::new(db.store.now());
        let tx = db.store.begin_global("test.claim").await.expect("begins");
        let claimed = jobs::claim(&tx, jobs::Which::All, node, 2, tx.now() + MINUTE).await.expect("claims");
        tx.commit(()).await.expect("commits");
        assert_eq!(ids(&claimed), all[..2]);
        assert_eq!(due(&db.store).await, all[3..], "a and b run");
        let mut tx = db.store.begin_global("test.retry").await.expect("begins");
        let later = tx.now() + MINUTE;
        jobs::retry(&mut tx, &claimed[1], later, "not now").await.expect("retries");
        tx.commit(()).await.expect("commits");
        finish(&db.store, &claimed[0]).await;
        let second_of_b = enqueue(&db.store, tenant, vec![index(b)]).await;
        assert_eq!(due(&db.store).await, all[2..]);
        db.clock.advance(MINUTE);
        assert_eq!(due(&db.store).await, [all[2], all[3], all[1]], "b again, from its first job");
        assert_eq!(claim(&db.store, node, db.store.now() + MINUTE).await.len(), 3, "one of each lane");
        assert!(!second_of_b.is_empty());
    }

    async fn a_batch_is_done_only_by_who_found_all_of_it_still_waiting(db) {
        let tenant = tenant(&db.store).await;
        let ticket = TicketId::new(db.store.now());
        enqueue(&db.store, tenant, vec![index(ticket), index(ticket)]).await;
        let batch = jobs::batch::due(&db.store.read(), &["index_ticket"], db.store.now(), 100).await.expect("reads");
        for wins in [true, false] {
            let tx = db.store.begin(tenant, "test.batch").await.expect("begins");
            assert_eq!(jobs::batch::finish(&tx, &batch).await.is_ok(), wins);
            let _ = tx.commit(()).await;
        }
        assert!(due(&db.store).await.is_empty());
    }

    async fn a_job_that_waits_for_its_time_blocks_its_own_lane_only(db) {
        let tenant = tenant(&db.store).await;
        let node = NodeId::new(db.store.now());
        let later = db.store.now() + MINUTE;
        let new = vec![
            NewJob::new(job(), "a").at(later),
            NewJob::new(job(), "a"),
            NewJob::new(job(), "b"),
        ];
        let all = enqueue(&db.store, tenant, new).await;
        assert_eq!(ids(&claim(&db.store, node, later).await), [all[2]]);
        db.clock.advance(MINUTE);
        let next = claim(&db.store, node, later + MINUTE).await;
        assert_eq!(next.first().map(|job| job.id), Some(all[0]));
    }

    async fn a_job_bound_to_a_node_waits_for_that_node(db) {
        let tenant = tenant(&db.store).await;
        let (here, there) = (NodeId::new(db.store.now()), NodeId::new(db.store.now()));
        let until = db.store.now() + MINUTE;
        enqueue(&db.store, tenant, vec![NewJob::new(job(), "a").on(there)]).await;
        assert!(claim(&db.store, here, until).await.is_empty());
        assert_eq!(claim(&db.store, there, until).await.len(), 1);
    }

    async fn an_expired_claim_is_taken_over_and_the_first_worker_is_told(db) {
        let tenant = tenant(&db.store).await;
        let (one, two) = (NodeId::new(db.store.now()), NodeId::new(db.store.now()));
        enqueue(&db.store, tenant, vec![NewJob::new(job(), "a")]).await;
        let first = claim(&db.store, one, db.store.now() + MINUTE).await.remove(0);
        let tx = db.store.begin_global("test.step").await.expect("begins");
        jobs::step(&tx, &first, 0, serde_json::json!({"status": 200})).await.expect("keeps");
        tx.commit(()).await.expect("commits");
        assert!(claim(&db.store, two, db.store.now() + MINUTE).await.is_empty());
        db.clock.advance(MINUTE);
        let second = claim(&db.store, two, db.store.now() + MINUTE).await.remove(0);
        assert_eq!((second.id, second.attempts, second.locked_by), (first.id, 2, Some(two)));
        let steps = jobs::steps(&db.store.read(), second.id).await.expect("reads");
        assert_eq!(steps, [serde_json::json!({"status": 200})]);
        let tx = db.store.begin_global("test.late").await.expect("begins");
        let late = jobs::finish(&tx, &first).await.expect_err("it was taken over");
        assert!(late.is_conflict());
        drop(tx);
        finish(&db.store, &second).await;
    }

    async fn the_last_failure_makes_a_dead_letter_and_the_lane_moves_on(db) {
        let tenant = tenant(&db.store).await;
        let node = NodeId::new(db.store.now());
        let all = enqueue(&db.store, tenant, vec![NewJob::new(job(), "a"), NewJob::new(job(), "a")]).await;
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            let claimed = claim(&db.store, node, db.store.now() + MINUTE).await.remove(0);
            assert_eq!(claimed.id, all[0]);
            let mut tx = db.store.begin_global("test.fail").await.expect("begins");
            let now = tx.now();
            outcomes.push(jobs::retry(&mut tx, &claimed, now, "provider said no").await.expect("retries"));
            tx.commit(()).await.expect("commits");
        }
        assert_eq!(outcomes[3..], [Retried::Waiting, Retried::Dead]);
        let dead = jobs::dead_letters(&db.store.read(), tenant, None, 10).await.expect("lists");
        assert_eq!(ids(&dead), [all[0]]);
        assert_eq!(dead[0].last_error.as_deref(), Some("provider said no"));
        assert_eq!(ids(&claim(&db.store, node, db.store.now() + MINUTE).await), [all[1]]);
    }

    async fn a_dead_letter_can_be_replayed_once_and_is_told(db) {
        let tenant = tenant(&db.store).await;
        let node = NodeId::new(db.store.now());
        let all = enqueue(&db.store, tenant, vec![NewJob::new(job(), "a")]).await;
        let claimed = claim(&db.store, node, db.store.now() + MINUTE).await.remove(0);
        let mut tx = db.store.begin_global("test.bury").await.expect("begins");
        jobs::bury(&mut tx, &claimed, "malformed").await.expect("buries");
        tx.commit(()).await.expect("commits");
        let mut tx = db.store.begin(tenant, "test.replay").await.expect("begins");
        jobs::replay(&mut tx, tenant, all[0]).await.expect("replays");
        let twice = jobs::replay(&mut tx, tenant, all[0]).await.expect_err("it waits already");
        assert!(twice.is_conflict());
        tx.commit(()).await.expect("commits");
        let again = claim(&db.store, node, db.store.now() + MINUTE).await;
        assert_eq!((again[0].id, again[0].attempts), (all[0], 1));
        let told: Vec<bool> = events::after(&db.store.read(), tenant, 0, 10)
            .await
            .expect("reads")
            .into_iter()
            .filter_map(|event| match event.image {
                Image::DeadLetter(letter) => Some(letter.resolved),
                _ => None,
            })
            .collect();
        assert_eq!(told, [false, true]);
    }

    async fn a_dead_letter_of_another_tenant_is_not_there(db) {
        let (mine, other) = (tenant(&db.store).await, tenant(&db.store).await);
        let all = enqueue(&db.store, mine, vec![NewJob::new(job(), "a")]).await;
        let mut tx = db.store.begin(other, "test.replay").await.expect("begins");
        let error = jobs::replay(&mut tx, other, all[0]).await.expect_err("not hers");
        assert!(error.is_not_found());
    }

    async fn racing_workers_never_run_a_job_twice(db) {
        let tenant = tenant(&db.store).await;
        let new = (0..40).map(|n| NewJob::new(job(), format!("lane {}", n % 10))).collect();
        enqueue(&db.store, tenant, new).await;
        let workers: Vec<_> = (0..4).map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move {
                let node = NodeId::new(store.now());
                let mut done = Vec::new();
                // Postgres workers may collide on a lane; the loser of the race just asks again.
                while jobs::unfinished(&store.read()).await.expect("counts") > 0 {
                    let tx = store.begin_global("test.claim").await.expect("begins");
                    let Ok(claimed) = jobs::claim(&tx, jobs::Which::All, node, 3, tx.now() + MINUTE).await else { continue };
                    if tx.commit(()).await.is_err() { continue }
                    for job in claimed {
                        let tx = store.begin_global("test.finish").await.expect("begins");
                        jobs::finish(&tx, &job).await.expect("it is ours");
                        tx.commit(()).await.expect("commits");
                        done.push(job.id);
                    }
                    tokio::task::yield_now().await;
                }
                done
            })
        }).collect();
        let mut done = Vec::new();
        for worker in workers {
            done.extend(worker.await.expect("the worker lives"));
        }
        done.sort();
        done.dedup();
        assert_eq!(done.len(), 40);
        assert_eq!(count(&db.store, "SELECT CAST(SUM(attempts) AS BIGINT) FROM jobs").await, 40);
    }

    async fn done_jobs_are_pruned_with_their_steps(db) {
        let tenant = tenant(&db.store).await;
        let node = NodeId::new(db.store.now());
        enqueue(&db.store, tenant, vec![NewJob::new(job(), "a"), NewJob::new(job(), "b")]).await;
        let claimed = claim(&db.store, node, db.store.now() + MINUTE).await;
        let tx = db.store.begin_global("test.step").await.expect("begins");
        jobs::step(&tx, &claimed[0], 0, serde_json::Value::Null).await.expect("keeps");
        jobs::finish(&tx, &claimed[0]).await.expect("finishes");
        assert_eq!(jobs::prune(&tx, tx.now() + MINUTE, 100).await.expect("prunes"), 1);
        tx.commit(()).await.expect("commits");
        assert_eq!(count(&db.store, "SELECT COUNT(*) FROM job_steps").await, 0);
        let left = jobs::get(&db.store.read(), tenant, claimed[1].id).await.expect("the other stays");
        assert_eq!(left.state, JobState::Running);
    }
}
