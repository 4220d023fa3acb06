import { describe, expect, test } from 'vitest';
import { normalizeAddress } from '../../src/token/web-address.ts';

describe('addresses that mean the same', () => {
  test.each([
    ['https://db.example.com/', 'HTTPS://DB.Example.COM'],
    ['https://db.example.com/', 'https://db.example.com:443'],
    ['https://db.example.com/', 'https://db.example.com:/?a=b'],
    ['http://db.example.com/a', 'http://db.example.com:80/a#fragment'],
    ['https://db.example.com:80/a', 'https://db.example.com:80/a'],
    ['https://db.example.com/a', 'https://db.example.com/a?limit=3&b=/../c#x'],
    ['https://db.example.com/', 'https://db.example.com?a'],
    ['https://db.example.com/~a-b.c_d', 'https://db.example.com/%7Ea%2db%2Ec%5Fd'],
    ['https://db.example.com/%2Fa%C3%BC', 'https://db.example.com/%2fa%c3%bc'],
    ['https://db.example.com/c', 'https://db.example.com/a/.././b/../c'],
    ['https://db.example.com/c', 'https://db.example.com/a/%2e%2E/c'],
    ['https://db.example.com/a/', 'https://db.example.com/a/b/..'],
    ['https://db.example.com/a/', 'https://db.example.com/a/.'],
    ['https://db.example.com/', 'https://db.example.com/../..'],
    ['https://db.example.com/a//', 'https://db.example.com/a//b/..'],
    ['https://db.example.com/.well-known/..x', 'https://db.example.com/.well-known/..x'],
    ['https://[2001:db8::1]:8443/', 'https://[2001:DB8::1]:8443'],
    ['http://127.0.0.1:3000/rows;v=1,2|3', 'http://127.0.0.1:3000/rows;v=1,2|3'],
    ['https://a%C3%BC.example/', 'https://%41%c3%bc.example'],
  ])('%s: %s', (normal, address) => {
    expect(normalizeAddress(address)).toBe(normal);
    expect(normalizeAddress(normal)).toBe(normal);
  });
});

test('what decides where a request goes is never taken out', () => {
  const all = [
    'https://a.b/',
    'https://a.b/x',
    'https://a.b/X',
    'https://a.b/x/',
    'https://a.b//x',
    'https://a.b/%2Fx',
  ];
  const more = ['http://a.b/', 'https://a.b./', 'https://a.b:8443/', 'https://a.b/x%3Fy', 'https://a.b/%252Fx'];
  expect(new Set([...all, ...more].map(normalizeAddress)).size).toBe(all.length + more.length);
});

test.each([
  ...['', '/a', 'db.example.com/a', '//db.example.com', 'https:db.example.com', 'https:/db.example.com', 'https://'],
  ...['ftp://a.b/', 'wss://a.b/', 'javascript://a.b/', 'https://u@a.b/', 'https://u:p@a.b/', 'https://a.b:x/'],
  ...['https://a.b/\\c', 'https:\\\\a.b', 'https://a.b/ c', ' https://a.b/', 'https://a.b/\n', 'https://a.b/\tc'],
  ...[
    'https://a.b/%',
    'https://a.b/%2',
    'https://a.b/%zz',
    'https://a.b/?%',
    'https://bücher.example/',
    'https://a.b/ü',
  ],
  ...['https://[::1', 'https://[g::1]/', 'https://::1/', 'https://a.b\u0000/', 'https:///a', 'https://?a'],
])('%j is no address', (address) => {
  expect(normalizeAddress(address)).toBeUndefined();
});

test('a hostile address takes no time to refuse', () => {
  for (const part of ['%', 'a%2e', '/.', '/..', ':', '.', '[', '%2f'])
    expect(typeof normalizeAddress(`https://a.b/${part.repeat(100_000)}`)).toMatch(/string|undefined/);
});
