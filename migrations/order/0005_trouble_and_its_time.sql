-- What the log of a saga says about its latest failure.
comment on column orders.trouble is 'Off the happy path: {"step", "undo", "attempts", "error", "next_time"}; written from the first retry on, and read by the runner that takes the saga over.';
