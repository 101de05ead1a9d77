import { generateKeyPairSync } from 'node:crypto'
import { complaintOfText } from '../../cloud/dns/hosted/dyndns2-answer.ts'
import { cursorOfLink, nextLink } from '../../cloud/dns/http/pages.ts'
import { readExhaustion, readRetryAfter } from '../../cloud/dns/http/retry-after.ts'
import type { ProviderSettings } from '../../cloud/dns/provider-settings.ts'
import { fullNames, relativeNames } from '../../cloud/dns/record-names.ts'
import { octalTxt, quotedTxt } from '../../cloud/dns/txt-content.ts'
import { parseName, type RRKey } from '../../shared/rrset.ts'
import { createProviders } from '../fakes/dns/create-providers.ts'
import { UNLIMITED } from '../fakes/dns/unlimited-budget.ts'
import { type Decoder, jsonDecoder, textDecoder } from './decoder.ts'

const zone = parseName('example.org')
const NOW = new Date('2026-01-31T12:00:00Z')
const KEYS: readonly RRKey[] = [
  { name: parseName('www.example.org'), type: 'AAAA' },
  { name: zone, type: 'TXT' },
]
const TOKEN = {
  ...{ access_token: 'access-of-the-fuzzing', expires_in: 3600 },
  token: 'access-of-the-fuzzing',
}
/** Of services with sessions. */
const COOKIE = { 'set-cookie': 'session=of-the-fuzzing' }
const secrets = { token: 'token-of-the-fuzzing' }
const keys = { apiKey: 'key-of-the-fuzzing', secretKey: 'secret-of-the-fuzzing' }

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const account = {
  ...{ type: 'service_account' as const, project_id: 'p', client_email: 'me@p.example' },
  private_key: privateKey,
}

const tenancy = { tenant: 't', client: 'c', subscription: 's', resourceGroup: 'g' }

/** A list as each service answers it, with an address and a text in it. */
const LISTS: readonly (readonly [settings: ProviderSettings, answer: unknown])[] = [
  [
    { type: 'azure', ...tenancy, secret: secrets.token },
    {
      value: [
        {
          ...{ name: 'www', type: 'Microsoft.Network/dnszones/AAAA', etag: 'e' },
          properties: { TTL: 60, AAAARecords: [{ ipv6Address: '2001:db8::1' }] },
        },
        {
          ...{ name: '@', type: 'Microsoft.Network/dnszones/TXT', etag: 'e' },
          properties: { TTL: 60, TXTRecords: [{ value: ['a', 'b'] }], targetResource: {} },
        },
      ],
      nextLink: null,
    },
  ],
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
    { type: 'google', secret: account },
    {
      rrsets: [
        { name: 'www.example.org.', type: 'AAAA', ttl: 60, rrdatas: ['2001:db8::1'] },
        { name: 'example.org.', type: 'TXT', ttl: 60, rrdatas: ['"a"'] },
      ],
      nextPageToken: '',
    },
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
    { type: 'ionos', ...secrets },
    {
      records: [
        { id: '1', name: 'www.example.org', type: 'AAAA', content: '2001:db8::1', ttl: 60 },
        { id: '2', name: 'example.org', type: 'TXT', content: '"a"', ttl: 60, disabled: true },
      ],
    },
  ],
  [
    { type: 'inwx', username: 'alice', password: secrets.token },
    {
      ...{ code: 1000, msg: 'Command completed successfully' },
      resData: {
        tfa: '0',
        record: [
          { id: 1, name: 'www.example.org', type: 'AAAA', content: '2001:db8::1', ttl: 300 },
          { id: '2', name: 'example.org', type: 'TXT', content: 'a', ttl: '300' },
        ],
      },
    },
  ],
  [
    { type: 'netcup', customer: '123456', apiKey: keys.apiKey, password: keys.secretKey },
    {
      ...{ status: 'success', statuscode: 2000 },
      responsedata: {
        apisessionid: 'session-of-the-fuzzing',
        dnsrecords: [
          { id: '1', hostname: 'www', type: 'AAAA', priority: '0', destination: '2001:db8::1' },
          { id: '2', hostname: '@', type: 'TXT', destination: 'a' },
        ],
      },
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
  [
    { type: 'powerdns', url: 'http://127.0.0.1:8081', ...secrets },
    {
      rrsets: [
        {
          ...{ name: 'www.example.org.', type: 'AAAA', ttl: 60 },
          records: [
            { content: '2001:db8::1', disabled: false },
            { content: '::2', disabled: true },
          ],
        },
      ],
    },
  ],
  [
    { type: 'scaleway', ...secrets },
    {
      total_count: 2,
      records: [
        { id: '1', name: 'www', type: 'AAAA', data: '2001:db8::1', ttl: 60, comment: null },
        { id: '2', name: '', type: 'TXT', data: '"a"', ttl: 60, geo_ip_config: {} },
      ],
    },
  ],
  [
    { type: 'linode', ...secrets },
    {
      ...{ page: 1, pages: 1, results: 2 },
      data: [
        { id: 1, name: 'www', type: 'AAAA', target: '2001:db8::1', ttl_sec: 300 },
        { id: 2, name: '', type: 'TXT', target: 'a', ttl_sec: 0 },
      ],
    },
  ],
  [
    { type: 'vultr', apiKey: keys.apiKey },
    {
      records: [
        { id: 'a', name: 'www', type: 'AAAA', data: '2001:db8::1', ttl: 300 },
        { id: 'b', name: '', type: 'TXT', data: '"a"', ttl: 300 },
      ],
      meta: { total: 2, links: { next: '', prev: '' } },
    },
  ],
  [
    { type: 'dnsimple', ...secrets },
    {
      data: [
        { id: 1, name: 'www', type: 'AAAA', content: '2001:db8::1', ttl: 60 },
        { id: 2, name: '', type: 'TXT', content: 'a', ttl: 60 },
      ],
      pagination: { current_page: 1, per_page: 100, total_entries: 2, total_pages: 1 },
    },
  ],
  [
    { type: 'infomaniak', ...secrets },
    {
      result: 'success',
      data: [
        { id: '1', source: 'www', type: 'AAAA', target: '2001:db8::1', ttl: 300 },
        { id: '2', source: '.', type: 'TXT', target: 'a', ttl: 300 },
      ],
    },
  ],
  [
    { type: 'transip', login: 'alice', privateKey },
    {
      dnsEntries: [
        { name: 'www', expire: 300, type: 'AAAA', content: '2001:db8::1' },
        { name: '@', expire: 300, type: 'TXT', content: 'a' },
      ],
    },
  ],
  [
    { type: 'njalla', ...secrets },
    {
      result: {
        records: [
          { id: 1, name: 'www', type: 'AAAA', content: '2001:db8::1', ttl: 60 },
          { id: 2, name: '@', type: 'TXT', content: 'a', ttl: 60 },
        ],
      },
      jsonrpc: '2.0',
    },
  ],
  [
    { type: 'bunny', accessKey: keys.secretKey },
    {
      Records: [
        { Id: 1, Type: 1, Name: 'www', Value: '2001:db8::1', Ttl: 60, Weight: 100, Comment: null },
        { Id: 2, Type: 3, Name: '', Value: 'a', Ttl: 60, Disabled: true },
      ],
    },
  ],
]

const ROUTE53 = {
  type: 'route53',
  accessKeyId: 'AKIA0123456789ABCDEF',
  secret: secrets.token,
} as const
const ROUTE53_LIST = `<?xml version="1.0"?>
<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet><Name>\\052.example.org.</Name><Type>AAAA</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>2001:db8::1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems></ListResourceRecordSetsResponse>`

/** What DNS services answer: their lists, and the texts in them. */
export function dnsDecoders(): readonly Decoder[] {
  return [
    textDecoder({
      name: 'TXT content',
      samples: ['"a"', '"a" "b\\"\\\\"', '"\\195\\188"', 'bare', '""', `"${'x'.repeat(255)}" "y"`],
      decode: (text) => [quotedTxt.parse(text), octalTxt.parse(text)],
      codes: [],
    }),
    textDecoder({
      name: 'answer to an update of a host',
      samples: ['good 2001:db8::1', 'nochg', 'OK\n192.0.2.1\n\nUPDATED', '911', 'KO', ''],
      decode: complaintOfText,
      codes: [],
    }),
    textDecoder({
      name: 'records at route53',
      samples: [ROUTE53_LIST],
      decode: (text) => readFrom(ROUTE53, () => new Response(text)),
      codes: ['DNS_PROVIDER'],
      weight: 0.1,
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
        decode: (value) => readFrom(settings, () => Response.json(value, { headers: COOKIE })),
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

async function readFrom(settings: ProviderSettings, answer: () => Response): Promise<unknown> {
  const provider = createProviders(
    { p: settings },
    {
      now: () => NOW,
      fetch: async (url) => (/\/(?:token|auth)$/.test(url) ? Response.json(TOKEN) : answer()),
      sleep: async () => undefined,
      budgets: () => UNLIMITED,
    },
  ).get('p')
  return await provider?.read({ name: zone, id: 'z' }, KEYS)
}
