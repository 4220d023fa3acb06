import { parse, TomlError } from 'smol-toml';
import { type Policy, readPolicy, type Violation, violation } from './policy.ts';

/** A policy from TOML text, or every rule that it breaks; a syntax error or a key named twice is given with its line. */
export function parsePolicyFile(
  text: string,
): { readonly policy: Policy } | { readonly violations: readonly Violation[] } {
  let table: unknown;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0] ?? 'not TOML';
    return {
      violations: [violation('toml', `line ${error.line}`, `line ${error.line}, column ${error.column}: ${reason}`)],
    };
  }
  return readPolicy(table);
}

/** The commented policy that `policy new` writes. */
export const startingPolicy = `# A breakglass policy. It lies inside the signed trust file: only a quorum of custodians can change it.
# Check it with: breakglass policy check policy.toml

copies = 2                 # media that must hold a record before its token leaves
preflight = "record"       # "require" refuses to run unless every check of the machine passes (network down, no swap, ...)
separation = true          # the share of the person who gets the token does not count
reason.minLength = 20      # characters of the reason in a request
drill = { every = "90d", timeToAccess = "15m", timeToKill = "60s" }
review = { within = "72h", policyEvery = "180d" } # , overdue = "extra-share": an overdue one costs one more share
limits = { cooldown = "0s", maxPerDay = 12 }

# Everybody who has a part: custodian (holds a share), responder (may get access), commander, auditor.
[people]
alice = ["custodian"]
bob = ["custodian"]
carol = ["custodian"]
dana = ["responder"]
erin = ["custodian", "commander"]
frank = ["custodian"]
grace = ["auditor"]

# What a token may open. One table for each role; a token carries all scopes and actions of its role.
[roles.db-admin]
audience = "https://db.prod.example.com"
scopes = ["db:read", "db:write"]
actions = ["read", "write", "restart"]
circumstances = ["outage", "data-loss"]
maxLifetime = "15m"        # of one token, at most 60m
maxDuration = "2h"         # of a strip of tokens minted in one ceremony
holder = "optional"        # "required": the token works only together with the responder's key
# minShares = 4            # more shares than the threshold, for this role
`;
