import { createCloudflareFake } from '../fakes/dns/cloudflare.ts'
import { createDesecFake } from '../fakes/dns/desec.ts'
import { createDigitalOceanFake } from '../fakes/dns/digitalocean.ts'
import { createGandiFake } from '../fakes/dns/gandi.ts'
import { createHetznerFake } from '../fakes/dns/hetzner.ts'
import { createPorkbunFake } from '../fakes/dns/porkbun.ts'
import { describeRecording } from './recordings.ts'

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
describeRecording('gandi', {
  zone: 't18s.fr',
  open: createGandiFake,
  left: (name) =>
    name.startsWith('RPC-') ? 'the former XML-RPC service, which is another API' : undefined,
})
describeRecording('hetzner', { zone: 'devcoop.de', open: createHetznerFake })
describeRecording('porkbun', {
  zone: 'example.xyz',
  open: createPorkbunFake,
  isRead: ({ url }) => /\/(?:ping|dns\/retrieve\/.*)$/.test(url),
})
