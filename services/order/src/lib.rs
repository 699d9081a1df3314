//! The order service: places orders and carries each through its saga.
