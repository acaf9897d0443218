//! Two contacts become one, and can be two again.

use crate::world::World;
use app::{Error, contacts};
use domain::ContactId;
use std::collections::BTreeMap;
use store::for_each_backend;
use store::queries::{contact_lists, contacts as stored, identities};

/// Whose everything is.
async fn picture(world: &World<'_>, people: &[ContactId]) -> BTreeMap<String, String> {
    let read = world.app.read();
    let mut picture = BTreeMap::new();
    for id in people {
        for identity in identities::of_contacts(&read, world.tenant, &[*id])
            .await
            .unwrap()
        {
            picture.insert(
                identity.id.to_string(),
                format!("{id} {:?}", identity.merged_from),
            );
        }
        for ticket in contact_lists::tickets_of(&read, world.tenant, *id, 1000)
            .await
            .unwrap()
        {
            picture.insert(ticket.id.to_string(), id.to_string());
        }
        for c in contact_lists::conversations_of(&read, world.tenant, *id, 1000)
            .await
            .unwrap()
        {
            picture.insert(c.id.to_string(), id.to_string());
        }
        let contact = stored::get(&read, world.tenant, *id).await.unwrap();
        picture.insert(id.to_string(), format!("{:?}", contact.merged_into));
    }
    picture
}

for_each_backend! {
    async fn unmerge_restores_exactly_what_merges_took_also_inside_a_chain(db) {
        let world = World::new(db).await;
        let mut people = Vec::new();
        for (name, cases) in [("ada", 70), ("bob", 3), ("cleo", 1)] {
            let (contact, identity) = world.contact(name).await;
            for n in 0..cases {
                let ticket = world.ticket(contact.id, |_| {}).await;
                world.conversation(&ticket, &identity, &format!("{name} {n}")).await;
            }
            people.push(contact.id);
        }
        let [ada, bob, cleo] = people[..] else { unreachable!() };
        let before = picture(&world, &people).await;
        contacts::merge(&world.app, &world.anna, bob, ada).await.unwrap();
        world.work().await;
        let one_merge = picture(&world, &people).await;
        assert_eq!(one_merge.values().filter(|of| of.starts_with(&ada.to_string())).count(), 0);
        contacts::merge(&world.app, &world.anna, cleo, bob).await.unwrap();
        world.work().await;
        let all = picture(&world, &[cleo]).await;
        assert_eq!(all.len(), 1 + 3 + 74 * 2, "everything is Cleo's now");
        contacts::unmerge(&world.app, &world.anna, bob).await.unwrap();
        world.work().await;
        assert_eq!(picture(&world, &people).await, one_merge);
        contacts::merge(&world.app, &world.anna, cleo, bob).await.unwrap();
        world.work().await;
        contacts::unmerge(&world.app, &world.anna, ada).await.unwrap();
        contacts::unmerge(&world.app, &world.anna, bob).await.unwrap();
        world.work().await;
        assert_eq!(picture(&world, &people).await, before);
    }

    async fn a_case_that_began_while_merged_goes_with_its_own_person(db) {
        let world = World::new(db).await;
        let (ada, _) = world.contact("ada").await;
        let (bob, _) = world.contact("bob").await;
        contacts::merge(&world.app, &world.anna, bob.id, ada.id).await.unwrap();
        let hers = identities::of_contacts(&world.app.read(), world.tenant, &[bob.id]).await.unwrap();
        let hers = hers.into_iter().find(|i| i.merged_from == Some(ada.id)).unwrap();
        let ticket = world.ticket(bob.id, |_| {}).await;
        world.conversation(&ticket, &hers, "new").await;
        contacts::unmerge(&world.app, &world.anna, ada.id).await.unwrap();
        world.work().await;
        assert_eq!(world.reader(&world.anna).ticket(ticket.id).await.unwrap().contact_id, ada.id);
    }

    async fn a_merge_that_makes_no_sense_is_refused(db) {
        let world = World::new(db).await;
        let (ada, _) = world.contact("ada").await;
        let (bob, _) = world.contact("bob").await;
        let same = contacts::merge(&world.app, &world.anna, ada.id, ada.id).await;
        assert!(matches!(same, Err(Error::Invalid { .. })));
        assert!(matches!(contacts::unmerge(&world.app, &world.anna, ada.id).await, Err(Error::Conflict { .. })));
        contacts::merge(&world.app, &world.anna, bob.id, ada.id).await.unwrap();
        let circle = contacts::merge(&world.app, &world.anna, ada.id, bob.id).await;
        assert!(matches!(circle, Err(Error::Conflict { .. })));
        let (listed, _) = world.reader(&world.anna).contacts(None, 10, None).await.unwrap();
        assert_eq!(listed.iter().map(|c| c.id).collect::<Vec<_>>(), [bob.id]);
    }
}
