comment on column conversation.roster_version is
  'Rises with every change of members or leaves, so that remembered rosters can be told apart. A commit may change leaves: each raises it.';
