import { cursorOfLink, nextLink } from '../../cloud/dns/http/pages.ts'
import { readExhaustion, readRetryAfter } from '../../cloud/dns/http/retry-after.ts'
import type { ProviderSettings } from '../../cloud/dns/provider-settings.ts'
import { createProviders } from '../../cloud/dns/providers.ts'
import { fullNames, relativeNames } from '../../cloud/dns/record-names.ts'
import { quotedTxt } from '../../cloud/dns/txt-content.ts'
import { parseName, type RRKey } from '../../shared/rrset.ts'
import { type Decoder, jsonDecoder, textDecoder } from './decoder.ts'

const zone = parseName('example.org')
const NOW = new Date('2026-01-31T12:00:00Z')
const KEYS: readonly RRKey[] = [
  { name: parseName('www.example.org'), type: 'AAAA' },
  { name: zone, type: 'TXT' },
]
const secrets = { token: 'token-of-the-fuzzing' }
const keys = { apiKey: 'key-of-the-fuzzing', secretKey: 'secret-of-the-fuzzing' }

/** A list as each service answers it, with an address and a text in it. */
const LISTS: readonly (readonly [settings: ProviderSettings, answer: unknown])[] = [
  [
    { type: 'cloudflare', ...secrets },
    {
      result: [
        {
          id: 'a',
          name: 'www.example.org',
          type: 'AAAA',
          content: '2001:db8::1',
          ttl: 60,
          proxied: true,
        },
        { id: 'b', name: 'example.org', type: 'TXT', content: '"a" "b"', ttl: 1 },
      ],
      result_info: { page: 1, total_pages: 1 },
      ...{ success: true, errors: [], messages: [] },
    },
  ],
  [
    { type: 'desec', ...secrets },
    [
      { subname: 'www', type: 'AAAA', ttl: 3600, records: ['2001:db8::1'] },
      { subname: '', type: 'TXT', ttl: 3600, records: ['"a\\"b"'] },
    ],
  ],
  [
    { type: 'digitalocean', ...secrets },
    {
      domain_records: [
        { id: 1, type: 'AAAA', name: 'www', data: '2001:db8::1', ttl: 60 },
        { id: 2, type: 'TXT', name: '@', data: 'a b', ttl: 60 },
      ],
      links: { pages: { last: 'https://api.digitalocean.com/v2/x?page=1' } },
    },
  ],
  [
    { type: 'gandi', ...secrets },
    [
      { rrset_name: 'www', rrset_type: 'AAAA', rrset_ttl: 300, rrset_values: ['2001:db8::1'] },
      { rrset_name: '@', rrset_type: 'TXT', rrset_ttl: 300, rrset_values: ['"a"'] },
    ],
  ],
  [
    { type: 'hetzner', ...secrets },
    {
      meta: { pagination: { next_page: null } },
      rrsets: [
        { name: 'www', type: 'AAAA', ttl: null, records: [{ value: '2001:db8::1', comment: 'x' }] },
        { name: '@', type: 'TXT', ttl: 60, records: [{ value: '"a"' }] },
      ],
    },
  ],
  [
    { type: 'porkbun', ...keys },
    {
      status: 'SUCCESS',
      records: [
        { id: '1', name: 'www.example.org', type: 'AAAA', content: '2001:db8::1', ttl: '600' },
        { id: '2', name: 'example.org', type: 'TXT', content: 'a', ttl: '600' },
      ],
    },
  ],
]

/** What DNS services answer: their lists, and the texts in them. */
export function dnsDecoders(): readonly Decoder[] {
  return [
    textDecoder({
      name: 'TXT content',
      samples: ['"a"', '"a" "b\\"\\\\"', '"\\195\\188"', 'bare', '""', `"${'x'.repeat(255)}" "y"`],
      decode: quotedTxt.parse,
      codes: [],
    }),
    textDecoder({
      name: 'name of a record',
      samples: ['www.example.org.', '\\052.example.org', '*.example.org', '@', '', 'www'],
      decode: (text) => [
        fullNames('.').parse(text, zone),
        relativeNames('@').parse(text, zone),
        relativeNames('').parse(text, zone),
      ],
      codes: [],
    }),
    textDecoder({
      name: 'time to wait',
      samples: ['120', 'Sat, 31 Jan 2026 12:01:00 GMT', '"default";r=0;t=30', '1769860800'],
      decode: (text) => [readRetryAfter(headers(text), NOW), readExhaustion(headers(text), NOW)],
      codes: [],
    }),
    textDecoder({
      name: 'link to the next page',
      samples: [
        '<https://a.test/x?cursor=a>; rel="first", <https://a.test/x?cursor=b>; rel="next"',
      ],
      decode: (text) => [
        cursorOfLink(nextLink(headers(text)), 'cursor'),
        cursorOfLink(text, 'page'),
      ],
      codes: [],
    }),
    ...LISTS.map(([settings, answer]) =>
      jsonDecoder({
        name: `records at ${settings.type}`,
        samples: [answer],
        decode: (value) => readFrom(settings, value),
        codes: ['DNS_PROVIDER'],
        weight: 0.3,
      }),
    ),
  ]
}

/** Every header has this value, also one that HTTP would refuse. */
function headers(value: string): Headers {
  return { get: () => value } as unknown as Headers
}

async function readFrom(settings: ProviderSettings, answer: unknown): Promise<unknown> {
  const provider = createProviders(
    { p: settings },
    {
      now: () => NOW,
      fetch: async () => Response.json(answer),
      sleep: async () => undefined,
      budgets: () => ({ take: async () => undefined, block: () => undefined }),
    },
  ).get('p')
  return await provider?.read({ name: zone, id: 'z' }, KEYS)
}
