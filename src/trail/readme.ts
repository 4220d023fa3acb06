import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { trailFolder } from './layout.ts';

/** BGTRAIL/README.TXT: what the medium is, and a script that checks the trail with openssl, jq and sha256sum alone. */
export function trailReadme(trustId: string): string {
  const words = fingerprintOfDigest(trustId, headWordCount).words.join(' ');
  return `THIS MEDIUM HOLDS A BREAKGLASS TRAIL

It is the record of every use of emergency access: who gave it, to whom, why, and for how long. The records are written
once. Do not change, rename or delete anything here; put the medium back where you found it, and tell its owner.

  trust id   ${trustId}
  in words   ${words}
  records    ${trailFolder(trustId)}/00000000.JWS, 00000001.JWS, ... one signed file each; every file names the SHA-256 of
             the one before it
  keys       ${trailFolder(trustId)}/T0000001.TXT, ... the signed trust files; the SHA-256 of T0000001.TXT is the trust id

TO CHECK IT with breakglass:   breakglass audit-check --head "WORDS OF THE LAST HEAD CODE" THIS-MEDIUM
TO CHECK IT WITHOUT breakglass, with openssl 3, jq and sha256sum, in this folder:

    sed -n '/^# --- 8< --- begin/,/^# --- 8< --- end/p' README.TXT > /tmp/check.sh
    sh /tmp/check.sh ${trailFolder(trustId)} TRUST-ID

Take TRUST-ID from a place you trust (a share card, a trust file you hold), not from this text: whoever could change the
records could change this text too, and this script. Read the script before you run it.

It says OK and exits 0, or says what is wrong and exits 1. It checks names, order, hashes, trail id, and the signature of
every record by the key that its type asks for. It cannot see that records were cut off at the end: compare the hash that
it prints for the last ceremony record with the head code on a custodian's card. It does not judge tokens against the policy.

${checkScript}`;
}

const checkScript = String.raw`# --- 8< --- begin
#!/bin/sh
# usage: sh check.sh FOLDER TRUST-ID
set -u
export LC_ALL=C
folder=$1 trust_id=$2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
for tool in openssl jq sha256sum; do
  command -v "$tool" > /dev/null || { echo "this script needs $tool"; exit 2; }
done

bad=0
wrong() { echo "WRONG: $*"; bad=1; }
hash_of() { sha256sum < "$1" | cut -d ' ' -f 1; }
# base64url without padding on stdin, bytes on stdout
decode() {
  text=$(tr -d '\n' | tr '_-' '/+')
  case $(($(printf '%s' "$text" | wc -c) % 4)) in 2) text="$text==" ;; 3) text="$text=" ;; esac
  printf '%s' "$text" | openssl base64 -d -A
}
# key_of X: the Ed25519 key of a JWK's x as PEM, and its RFC 7638 thumbprint, each in a file of its own
key_of() {
  case $1 in '' | *[!A-Za-z0-9_-]*) return 1 ;; esac
  [ -f "$work/pem.$1" ] && return
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; printf '%s' "$1" | decode; } > "$work/der"
  printf '{"crv":"Ed25519","kty":"OKP","x":"%s"}' "$1" | openssl dgst -sha256 -binary | openssl base64 -A |
    tr '/+' '_-' | tr -d '=' > "$work/kid.$1"
  { echo '-----BEGIN PUBLIC KEY-----'; openssl base64 -in "$work/der"; echo '-----END PUBLIC KEY-----'; } > "$work/pem.$1"
}
# split FILE LINE: header, payload and signature of that line into $work
split() {
  line=$(sed -n "$2p" "$1")
  case $line in *.*.*.*) return 1 ;; *.*.*) ;; *) return 1 ;; esac
  printf '%s' "$line" | cut -d . -f 1,2 | tr -d '\n' > "$work/signed"
  printf '%s' "$line" | cut -d . -f 1 | decode > "$work/header"
  printf '%s' "$line" | cut -d . -f 2 | decode > "$work/payload"
  printf '%s' "$line" | cut -d . -f 3 | decode > "$work/signature"
  jq -e . "$work/header" "$work/payload" > /dev/null 2>&1
}
# signed_by X TYP: the split line is signed by that key
signed_by() {
  key_of "$1" || return 1
  [ "$(cat "$work/header")" = "{\"alg\":\"EdDSA\",\"kid\":\"$(cat "$work/kid.$1")\",\"typ\":\"$2\"}" ] || return 1
  openssl pkeyutl -verify -rawin -pubin -inkey "$work/pem.$1" -in "$work/signed" -sigfile "$work/signature" > /dev/null 2>&1
}
member() { jq -r "$1" "$work/payload"; }
# enter HASH: from here on that trust version is in force; it is not older than the one before
enter() {
  case $1 in '' | *[!0-9a-f]*) wrong "$file names no trust file"; return ;; esac
  [ -f "$work/trail.$1" ] || { wrong "$file names a trust file that is not here"; trust=none; return; }
  [ "$(cat "$work/version.$1")" -ge "$(cat "$work/version.$trust" 2> /dev/null || echo 1)" ] ||
    wrong "$file goes back to an older trust file"
  trust=$1
}

# Trust files: version 1 is the trust id, every other one is signed by the root before it and names it.
version=0 previous= root=
while :; do
  version=$((version + 1))
  file=$folder/$(printf 'T%07d.TXT' "$version")
  [ -f "$file" ] || break
  hash=$(hash_of "$file")
  split "$file" 1 || { wrong "$file is no trust file"; break; }
  cp "$work/payload" "$work/trust"
  own=$(jq -r .root.x "$work/trust")
  signed_by "$own" breakglass-trust+jws || wrong "$file is not signed by its root key"
  if [ "$version" = 1 ]; then
    [ "$hash" = "$trust_id" ] || wrong "$file is not the trust file of $trust_id"
  else
    [ "$(jq -r .previous "$work/trust")" = "$previous" ] || wrong "$file does not follow the version before it"
    [ "$(jq -r .id "$work/trust")" = "$trust_id" ] || wrong "$file is of another trust"
    if [ "$own" != "$root" ]; then
      split "$file" 2 && cmp -s "$work/payload" "$work/trust" && signed_by "$root" breakglass-trust+jws ||
        wrong "$file is not signed by the root key before it"
    fi
  fi
  [ "$(jq -r .version "$work/trust")" = "$version" ] || wrong "$file is another version"
  jq -r '.keys[] | select(.use == "trail" and .status == "active") | .jwk.x' "$work/trust" > "$work/trail.$hash"
  echo "$version" > "$work/version.$hash"
  previous=$hash root=$own
done
[ "$version" -gt 1 ] || wrong "there is no trust file T0000001.TXT"

# Recorders: the keys that ceremony records name. Their records are verified below.
ceremony='genesis|mint.issued|drill|rotate.begun|rotate|policy|revocations.reset|restart'
: > "$work/recorders"
trust=$trust_id next=0 before=null last= waiting=
for file in "$folder"/[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9].JWS; do
  [ -f "$file" ] || { wrong "there are no records"; break; }
  name=$(basename "$file" .JWS)
  hash=$(hash_of "$file")
  if ! split "$file" 1 || [ "$(wc -l < "$file")" -ne 1 ] || [ -n "$(tail -c 1 "$file" | tr -d '\n')" ]; then
    wrong "$file is no record"; next=$(expr "$name" + 1); before=$hash; continue
  fi
  # Nothing that a record says is used before it has the right form: the shell would evaluate it.
  jq -r '.type, .seq, .prev, .trail | tostring' "$work/payload" > "$work/common"
  { read -r type; read -r seq; read -r prev; read -r trail; } < "$work/common"
  case $seq in '' | *[!0-9]*) wrong "$file has no number"; next=$(expr "$name" + 1); before=$hash; continue ;; esac
  if [ "$type" = restart ] && [ "$seq" -ne "$next" ]; then
    echo "note: a quorum began the trail anew with $file"; next=$seq; before=$prev
  fi
  [ "$name" = "$(printf '%08d' "$next")" ] || wrong "before $file a record is missing"
  [ "$name" = "$(printf '%08d' "$seq")" ] || wrong "$file holds record $seq"
  [ "$prev" = "$before" ] || wrong "$file does not name the file before it"
  [ "$trail" = "$trust_id" ] || wrong "$file is of another trail"
  case $type in
    genesis) [ "$seq" = 0 ] || wrong "$file is a second genesis" ;;
    restart) enter "$(member .trust.sha256)" ;;
    *) [ "$seq" != 0 ] || wrong "$file is no genesis" ;;
  esac
  if printf '%s' "$type" | grep -Eqx "$ceremony"; then
    signer=$(cat "$work/trail.$trust" 2> /dev/null)
    if [ -n "$signer" ] && signed_by "$signer" breakglass-record+jws; then
      last="$seq $hash"
      recorder=$(member .recorder.x)
      key_of "$recorder" && printf '%s %s\n' "$(cat "$work/kid.$recorder")" "$recorder" >> "$work/recorders"
    else
      wrong "$file is not signed by the trail key in force"
    fi
    case $type in rotate | policy) enter "$(member .trust.sha256)" ;; esac
  else
    recorder=$(grep -F -e "$(member .recorder) " "$work/recorders" | head -n 1 | cut -d ' ' -f 2)
    if [ -z "$recorder" ]; then waiting="$waiting $name"
    elif ! signed_by "$recorder" breakglass-record+jws; then wrong "$file is not signed by its recorder"
    fi
  fi
  next=$((seq + 1)) before=$hash
done
# A recorder may be named by a ceremony after its first records.
for name in $waiting; do
  split "$folder/$name.JWS" 1
  recorder=$(grep -F -e "$(member .recorder) " "$work/recorders" | head -n 1 | cut -d ' ' -f 2)
  [ -n "$recorder" ] || { wrong "$name.JWS is by a recorder that no ceremony names"; continue; }
  signed_by "$recorder" breakglass-record+jws || wrong "$name.JWS is not signed by its recorder"
done

echo "records up to $((next - 1)); the last ceremony record and its SHA-256: $last"
[ "$bad" = 0 ] || { echo "NOT OK"; exit 1; }
echo "OK, as far as the records go: that none was cut off at the end is not shown by this"
# --- 8< --- end
`;
