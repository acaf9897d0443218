//! Mail that Meari itself sends: invitations and password resets.
