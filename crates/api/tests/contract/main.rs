//! The committed contract is what is served; whoever changes the graph commits the change.

use std::path::Path;

#[test]
fn the_committed_contract_is_the_served_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../graphql/schema.graphql");
    let committed = std::fs::read_to_string(path).expect("the contract is committed");
    let served = api::house::sdl();
    let both = committed.lines().zip(served.lines()).enumerate();
    let different = both.into_iter().find(|(_, (ours, theirs))| ours != theirs);
    if let Some((at, (ours, theirs))) = different {
        let at = at + 1;
        assert_eq!(
            ours, theirs,
            "line {at} of graphql/schema.graphql: run `make schema`"
        );
    }
    assert_eq!(
        committed.trim_end(),
        served.trim_end(),
        "graphql/schema.graphql is longer or shorter: run `make schema`"
    );
}
