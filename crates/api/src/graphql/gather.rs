//! One statement for what the fields of an operation ask for one by one.
//!
//! The first asker of a kind lets all other fields of the operation ask too (its task gives way
//! once: fields run in one task), and then loads for all of them. No timer and no other task: what
//! waits a millisecond for more askers costs each page a millisecond.

use async_graphql::Result;
use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// What can be loaded by `K`, many at once. A key that names nothing is absent from the answer.
pub trait Load<K>: Sync {
    type Value: Clone + Send + Sync + 'static;

    fn load(&self, keys: &[K]) -> impl Future<Output = Result<HashMap<K, Self::Value>>> + Send;
}

/// Gathers keys for `L`. Lives as long as one operation and keeps nothing that it loaded.
pub struct Gather<L> {
    source: L,
    /// A round that still takes keys, for each kind of key.
    open: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

struct Round<K, V> {
    keys: Mutex<HashSet<K>>,
    found: OnceCell<Result<HashMap<K, V>>>,
}

impl<K, V> Default for Round<K, V> {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
            found: OnceCell::new(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<L> Gather<L> {
    pub fn new(source: L) -> Self {
        Self {
            source,
            open: Mutex::default(),
        }
    }

    pub async fn one<K>(&self, key: K) -> Result<Option<L::Value>>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        L: Load<K>,
    {
        let round = self.join(key.clone());
        tokio::task::yield_now().await;
        let found = round.found.get_or_init(|| self.load(&round)).await;
        match found {
            Ok(found) => Ok(found.get(&key).cloned()),
            Err(error) => Err(error.clone()),
        }
    }

    fn join<K>(&self, key: K) -> Arc<Round<K, L::Value>>
    where
        K: Eq + Hash + Send + Sync + 'static,
        L: Load<K>,
    {
        let mut open = lock(&self.open);
        let round = open
            .get(&TypeId::of::<K>())
            .and_then(|round| round.downcast_ref())
            .map(Arc::clone);
        let round: Arc<Round<K, L::Value>> = round.unwrap_or_else(|| {
            let round = Arc::default();
            open.insert(TypeId::of::<K>(), Box::new(Arc::clone(&round)));
            round
        });
        lock(&round.keys).insert(key);
        round
    }

    async fn load<K>(&self, round: &Arc<Round<K, L::Value>>) -> Result<HashMap<K, L::Value>>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        L: Load<K>,
    {
        let keys: Vec<K> = {
            let mut open = lock(&self.open);
            let is_open = open
                .get(&TypeId::of::<K>())
                .and_then(|open| open.downcast_ref())
                .is_some_and(|open| Arc::ptr_eq(open, round));
            // From here on others must begin another round.
            if is_open {
                open.remove(&TypeId::of::<K>());
            }
            lock(&round.keys).iter().cloned().collect()
        };
        self.source.load(&keys).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    /// Remembers what it was asked for.
    #[derive(Default)]
    struct Source(Mutex<Vec<Vec<u32>>>);

    impl Load<u32> for Source {
        type Value = String;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, String>> {
            let mut sorted = keys.to_vec();
            sorted.sort_unstable();
            lock(&self.0).push(sorted);
            if keys.contains(&13) {
                return Err(async_graphql::Error::new("unlucky"));
            }
            let even = keys.iter().filter(|key| *key % 2 == 0);
            Ok(even.map(|key| (*key, format!("#{key}"))).collect())
        }
    }

    impl Load<String> for Source {
        type Value = usize;

        async fn load(&self, keys: &[String]) -> Result<HashMap<String, usize>> {
            Ok(keys.iter().map(|key| (key.clone(), key.len())).collect())
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_together_is_loaded_once() {
        let gather = Gather::new(Source::default());
        let found = join_all([2, 4, 2, 3].map(|key| gather.one(key))).await;
        let found: Vec<Option<String>> = found.into_iter().map(|v| v.expect("loads")).collect();
        let named = |n: u32| Some(format!("#{n}"));
        assert_eq!(found, [named(2), named(4), named(2), None]);
        assert_eq!(*lock(&gather.source.0), [vec![2, 3, 4]]);
    }

    #[tokio::test]
    async fn what_is_asked_for_later_is_loaded_anew() {
        let gather = Gather::new(Source::default());
        gather.one(2).await.expect("loads");
        gather.one(2).await.expect("loads");
        assert_eq!(*lock(&gather.source.0), [vec![2], vec![2]]);
    }

    #[tokio::test]
    async fn a_failure_reaches_everybody_who_asked() {
        let gather = Gather::new(Source::default());
        let found = join_all([13, 2].map(|key| gather.one(key))).await;
        assert!(found.iter().all(Result::is_err));
        assert_eq!(gather.one(2).await.expect("loads"), Some("#2".to_owned()));
    }

    #[tokio::test]
    async fn kinds_of_keys_do_not_mix() {
        let gather = Gather::new(Source::default());
        let (number, word) = tokio::join!(gather.one(2), gather.one("four".to_owned()));
        assert_eq!(number.expect("loads"), Some("#2".to_owned()));
        assert_eq!(word.expect("loads"), Some(4));
    }

    #[tokio::test]
    async fn an_asker_who_gives_up_does_not_take_the_others_along() {
        let gather = Gather::new(Source::default());
        let mut first = Box::pin(gather.one(2));
        let second = gather.one(4);
        assert!(futures_util::poll!(&mut first).is_pending());
        drop(first);
        assert_eq!(second.await.expect("loads"), Some("#4".to_owned()));
    }
}
