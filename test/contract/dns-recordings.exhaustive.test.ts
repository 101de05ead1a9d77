import { createAzureFake } from '../fakes/dns/azure.ts'
import { createCloudflareFake } from '../fakes/dns/cloudflare.ts'
import { createDesecFake } from '../fakes/dns/desec.ts'
import { createDigitalOceanFake } from '../fakes/dns/digitalocean.ts'
import { createDnsimpleFake } from '../fakes/dns/dnsimple.ts'
import { createDyndns2Fake, dyndns2Settings } from '../fakes/dns/dyndns2.ts'
import { createGandiFake } from '../fakes/dns/gandi.ts'
import { createGoogleFake } from '../fakes/dns/google.ts'
import { createHetznerFake } from '../fakes/dns/hetzner.ts'
import { createInfomaniakFake } from '../fakes/dns/infomaniak.ts'
import { createInwxFake } from '../fakes/dns/inwx.ts'
import { createIonosFake } from '../fakes/dns/ionos.ts'
import { createLinodeFake } from '../fakes/dns/linode.ts'
import { createNetcupFake } from '../fakes/dns/netcup.ts'
import { createNjallaFake } from '../fakes/dns/njalla.ts'
import { createOvhFake } from '../fakes/dns/ovh.ts'
import { createPorkbunFake } from '../fakes/dns/porkbun.ts'
import { createPowerDnsFake } from '../fakes/dns/powerdns.ts'
import { createRoute53Fake } from '../fakes/dns/route53.ts'
import { createScalewayFake } from '../fakes/dns/scaleway.ts'
import { createTransipFake } from '../fakes/dns/transip.ts'
import { createVultrFake } from '../fakes/dns/vultr.ts'
import { parseXml } from '../fakes/dns/xml.ts'
import { describeRecording } from './recordings.ts'
import { parseXmlRpc } from './xml-rpc.ts'

// There is no recording of Bunny: its fake follows the description of the API alone.
describeRecording('cloudflare', { zone: 'byemike.org', open: createCloudflareFake })
describeRecording('desec', {
  zone: 'desec.lexicon',
  open: createDesecFake,
  statusOnly: ({ url, response }) =>
    url.endsWith('/domains/desec.lexicon/') && response === '{}'
      ? 'the recorder has emptied what names its owner'
      : undefined,
})
describeRecording('digitalocean', { zone: 'foxwoodswebsites.com', open: createDigitalOceanFake })
describeRecording('dnsimple', {
  zone: 'lexicontest.us',
  open: (zone) => createDnsimpleFake(zone, 'https://api.sandbox.dnsimple.com/v2'),
})
describeRecording('gandi', {
  zone: 't18s.fr',
  open: createGandiFake,
  left: (name) =>
    name.startsWith('RPC-') ? 'the former XML-RPC service, which is another API' : undefined,
})
describeRecording('duckdns', {
  zone: 'testlexicon.duckdns.org',
  open: (zone) => createDyndns2Fake('duckdns', zone),
  // The recorder has taken the token out of the query.
  adapt: (exchange) => ({
    ...exchange,
    url: `${exchange.url}&token=${dyndns2Settings.token.token}`,
  }),
  // Every line is compared, and the order of the lines.
  decode: (text) => Object.fromEntries(text.split('\n').map((line, at) => [`${at} ${line}`, true])),
})
describeRecording('hetzner', { zone: 'devcoop.de', open: createHetznerFake })
describeRecording('infomaniak', { zone: 'testouille.at', open: createInfomaniakFake })
describeRecording('linode', {
  zone: 'lexicon-test.com',
  open: createLinodeFake,
  left: (name) =>
    name.includes('unmanaged')
      ? 'it filters by a header, and the headers of requests are not recorded'
      : undefined,
})
describeRecording('njalla', {
  zone: 'example.com',
  open: createNjallaFake,
  isRead: ({ body }) => /"method": "(?:get|list)-/.test(body ?? ''),
})
describeRecording('ovh', { zone: 'pacalis.net', open: createOvhFake })
describeRecording('powerdns', {
  zone: 'sometestdomain.com',
  open: createPowerDnsFake,
  left: (name) =>
    name === 'authenticate_with_unmanaged_domain_should_fail'
      ? 'an old server; since 4.7 it answers 404, as the test of a real one shows'
      : undefined,
})
describeRecording('scaleway', { zone: 'example.com', open: createScalewayFake })
describeRecording('transip', {
  zone: 'nuvius.nl',
  open: createTransipFake,
  isRead: ({ method, url }) => method === 'GET' || url.endsWith('/auth'),
  skip: ({ url }) => (url.endsWith('/auth') ? 'what proves who asks is masked' : undefined),
})
describeRecording('ionos', { zone: 'example.com', open: createIonosFake })
describeRecording('googleclouddns', {
  zone: 'fullm3tal.tk',
  open: createGoogleFake,
  skip: ({ url }) =>
    url.endsWith('/oauth2/v4/token') ? 'what proves who asks is masked' : undefined,
  statusOnly: ({ url }) =>
    url.endsWith('/managedZones') ? 'recorded before there were private zones' : undefined,
})
describeRecording('porkbun', {
  zone: 'example.xyz',
  open: createPorkbunFake,
  isRead: ({ url }) => /\/(?:ping|dns\/retrieve\/.*)$/.test(url),
})
describeRecording('vultr', { zone: 'lexicon-test.eu', open: createVultrFake })
/** A record that is refused because it is there, though no list before shows it. */
const HIDDEN = [
  'create_record_for_A_with_valid_name_and_content',
  'create_record_for_TXT_with_full_name_and_content',
  'create_record_for_TXT_with_valid_name_and_content',
  'update_record_should_modify_record',
  'update_record_with_fqdn_name_should_modify_record',
  'update_record_with_full_name_should_modify_record',
]
describeRecording('inwx', {
  zone: 'lexicon-testrunner.com',
  open: createInwxFake,
  left: (name) => (HIDDEN.includes(name) ? 'refused for a record that is not shown' : undefined),
  // Recorded as XML-RPC; JSON-RPC has the same methods, parameters and answers.
  adapt(exchange) {
    const { method, value } = parseXmlRpc(exchange.body ?? '')
    const answer = Object(parseXmlRpc(exchange.response).value)
    // The rest of a domain names its contacts, and is not used.
    const isDomain = method === 'domain.info' && answer.resData !== undefined
    const resData = isDomain ? { resData: { domain: answer.resData.domain } } : {}
    return {
      ...exchange,
      url: 'https://api.domrobot.com/jsonrpc/',
      body: JSON.stringify({ method, params: value }),
      response: JSON.stringify({ ...answer, ...resData }),
    }
  },
  // The status is 200 always, so the code takes its place in the comparison.
  decode(text) {
    const body = JSON.parse(text)
    return { ...body, [`code ${body.code}`]: true }
  },
  isRead: ({ body, response }) =>
    /"method":"[a-z]+\.info"/.test(body ?? '') || JSON.parse(response).code !== 1000,
})
describeRecording('route53', {
  zone: 'fullcr1stal.tk',
  open: createRoute53Fake,
  decode: parseXml,
})
describeRecording('azure', {
  zone: 'full4ir.tk',
  open: createAzureFake,
  skip: ({ url }) => (url.endsWith('/oauth2/token') ? 'what proves who asks is masked' : undefined),
})
describeRecording('netcup', {
  zone: 'coldfix.de',
  open: createNetcupFake,
  isRead: () => true,
  skip: ({ body }) =>
    body?.includes('updateDnsRecords') ? 'the recorder has dropped what was written' : undefined,
})
