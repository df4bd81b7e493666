"""Settlement lists (医保基金结算清单) in the national 4101 and 4101A shape, read for the grouper and its checks."""
