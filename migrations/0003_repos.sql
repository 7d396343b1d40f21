-- What `repos` sums up, repository by repository, without looking at every claim that is over.
CREATE INDEX ended_claims_by_repo ON ended_claims (repo, created_at, engineer) WHERE repo IS NOT NULL;
