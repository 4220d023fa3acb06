import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAgeFile, openWithPassphrase, sealToRecipient, sealWithPassphrase } from '../../src/machine/sealed.ts';
import { refusalOf } from './fixture.ts';

const quick = { workFactor: 2 };
const passphrase = () => new Uint8Array(Buffer.from('correct horse – battery'));
const secret = new Uint8Array(Buffer.from('bg1qqqq\n'));

describe('a file under a passphrase', () => {
  test('opens again, binary and in ASCII armor, also with what an editor puts around the armor', async () => {
    const sealed = await sealWithPassphrase(secret, passphrase(), quick);
    const armored = armor.encode(sealed);
    for (const file of [sealed, Buffer.from(armored), Buffer.from(`\n${armored.replaceAll('\n', '\r\n')}\r\n`)]) {
      expect(isAgeFile(file)).toBe(true);
      expect(await openWithPassphrase(file, passphrase())).toEqual(secret);
    }
  });

  test('any bytes come back, over the borders of the 64 KiB chunks', async () => {
    for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072]) {
      const plain = new Uint8Array(length).map((_, index) => index % 251);
      expect(await openWithPassphrase(await sealWithPassphrase(plain, passphrase(), quick), passphrase())).toEqual(
        plain,
      );
    }
  });

  test('is the age format: the library opens what we seal, and we open what it seals', async () => {
    const decrypter = new Decrypter();
    decrypter.addPassphrase(Buffer.from(passphrase()).toString());
    expect(await decrypter.decrypt(await sealWithPassphrase(secret, passphrase(), quick))).toEqual(secret);

    const encrypter = new Encrypter();
    encrypter.setPassphrase(Buffer.from(passphrase()).toString());
    encrypter.setScryptWorkFactor(2);
    expect(await openWithPassphrase(await encrypter.encrypt(secret), passphrase())).toEqual(secret);
  });

  test('asks for 2^18 rounds of scrypt unless it is told otherwise', async () => {
    const sealed = Buffer.from(await sealWithPassphrase(secret, passphrase())).toString('latin1');
    expect(sealed).toMatch(/^age-encryption\.org\/v1\n-> scrypt [\w+/]{22} 18\n/);
  });

  test('leaves the passphrase and the plaintext of the caller alone', async () => {
    const [typed, plain] = [passphrase(), secret.slice()];
    await openWithPassphrase(await sealWithPassphrase(plain, typed, quick), typed);
    expect([typed, plain]).toEqual([passphrase(), secret]);
  });

  test('any changed byte is refused and nothing of it comes out', async () => {
    const sealed = await sealWithPassphrase(secret, passphrase(), quick);
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
        const changed = sealed.slice();
        changed[place] = (changed[place] ?? 0) ^ flip;
        const { code } = await refusalOf(openWithPassphrase(changed, passphrase()));
        expect(['BAD_INPUT', 'PASSPHRASE_WRONG']).toContain(code);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  test('a file that was cut anywhere is refused', async () => {
    const sealed = await sealWithPassphrase(new Uint8Array(70_000), passphrase(), quick);
    for (const length of [22, 60, 150, 200, 65_000, 65_736, sealed.length - 1]) {
      expect((await refusalOf(openWithPassphrase(sealed.slice(0, length), passphrase()))).code).toBe('BAD_INPUT');
    }
  });
});

describe('each refusal has its own words', () => {
  const open = (text: string | Uint8Array, what?: string) =>
    refusalOf(openWithPassphrase(Buffer.from(text), passphrase(), what ? { what } : undefined));
  const scrypt = (salt: string, factor: string, more = '') =>
    `age-encryption.org/v1\n-> scrypt ${salt} ${factor}\n${'A'.repeat(43)}\n${more}--- ${'A'.repeat(43)}\n${'x'.repeat(40)}`;
  const salt = 'A'.repeat(22);

  test('a wrong passphrase names the file and not the passphrase', async () => {
    const sealed = await sealWithPassphrase(secret, passphrase(), quick);
    const found = await refusalOf(openWithPassphrase(sealed, Buffer.from('wrong one'), { what: 'alice.share.age' }));
    expect(found).toMatchObject({ code: 'PASSPHRASE_WRONG', message: 'the passphrase does not open alice.share.age' });
    expect(JSON.stringify(found)).not.toContain('wrong one');
  });

  test('what is not an age file', async () => {
    expect(await open('bg1qqqq', 'alice.share.age')).toMatchObject({
      code: 'BAD_INPUT',
      message: 'alice.share.age is not an age file',
    });
    expect(isAgeFile(new Uint8Array(0))).toBe(false);
  });

  test('a file that is encrypted to a key', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const found = await open(await sealToRecipient(secret, recipient));
    expect(found.message).toBe('the age file is encrypted to a key, not under a passphrase');
  });

  test.each(['21', '30', '99'])('a work factor of %s that would eat the memory, before it does', async (factor) => {
    expect((await open(scrypt(salt, factor))).message).toBe('the age file is damaged');
  });

  test.each([
    ['a work factor of 0', scrypt(salt, '0')],
    ['a work factor with a leading zero', scrypt(salt, '02')],
    ['a short salt', scrypt('A'.repeat(20), '2')],
    ['a salt whose pad bits are not zero', scrypt(`${'A'.repeat(21)}B`, '2')],
    ['a second stanza', scrypt(salt, '2', `-> scrypt ${salt} 2\n${'A'.repeat(43)}\n`)],
    ['no stanza body', `age-encryption.org/v1\n-> scrypt ${salt} 2\n\n--- ${'A'.repeat(43)}\n`],
    ['a bad armor', '-----BEGIN AGE ENCRYPTED FILE-----\n%%%\n-----END AGE ENCRYPTED FILE-----\n'],
  ])('%s', async (_, text) => {
    expect(await open(text)).toMatchObject({ code: 'BAD_INPUT', message: 'the age file is damaged' });
  });

  test('an empty passphrase seals nothing', async () => {
    expect((await refusalOf(sealWithPassphrase(secret, new Uint8Array(0)))).message).toBe('the passphrase is empty');
  });

  test('what is no recipient', async () => {
    const good = await identityToRecipient(await generateX25519Identity());
    for (const recipient of ['', 'alice', 'age1qqqq', `${good}q`, good.toUpperCase()]) {
      expect((await refusalOf(sealToRecipient(secret, recipient))).code).toBe('BAD_INPUT');
    }
  });
});

test('a file to a recipient opens with the identity of that recipient', async () => {
  const identity = await generateX25519Identity();
  const sealed = await sealToRecipient(secret, await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  expect(await decrypter.decrypt(sealed)).toEqual(secret);
});

test('LIMIT: a changed scrypt stanza cannot be told from a wrong passphrase', async () => {
  const sealed = Buffer.from(await sealWithPassphrase(secret, passphrase(), quick)).toString('latin1');
  const other = sealed.replace(/(-> scrypt )./, (_, start: string) => `${start}${sealed[33] === 'A' ? 'B' : 'A'}`);
  expect((await refusalOf(openWithPassphrase(Buffer.from(other, 'latin1'), passphrase()))).code).toBe(
    'PASSPHRASE_WRONG',
  );
});
