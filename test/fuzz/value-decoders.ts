import * as v from 'valibot'
import {
  decodeBase64,
  decodeBase64url,
  encodeBase64,
  encodeBase64url,
} from '../../shared/base64.ts'
import { parseAddress, parseIPv4, parsePrefix, parseSuffix } from '../../shared/ipv6.ts'
import { parseCloudUrl } from '../../shared/join.ts'
import { canonicalValues, parseName } from '../../shared/rrset.ts'
import { parseHostName } from '../../shared/schema.ts'
import { type Decoder, jsonDecoder, textDecoder } from './decoder.ts'

const same = (text: string): string => text
const ADDRESSES = ['2001:db8::1', '::', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8', 'FE80::1']

/** The decoders of single values: what settings, reports and the log are made of. */
export function valueDecoders(): readonly Decoder[] {
  return [
    textDecoder({
      name: 'base64',
      samples: ['', 'AA==', 'AAA=', 'AAAA', '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
      decode: decodeBase64,
      render: encodeBase64,
      isCanonical: true,
      codes: ['BASE64_INVALID'],
    }),
    textDecoder({
      name: 'base64url',
      samples: ['', 'AA', 'AAA', 'AAAA', '10VUG2OoiS9k-O9zcHk_X3eQed2ZPi1l2E4caiDH85A'],
      decode: decodeBase64url,
      render: encodeBase64url,
      isCanonical: true,
      codes: ['BASE64_INVALID'],
    }),
    textDecoder({
      name: 'ipv6 address',
      samples: ADDRESSES,
      decode: parseAddress,
      render: same,
      codes: ['ADDRESS_INVALID'],
    }),
    textDecoder({
      name: 'ipv6 prefix',
      samples: ['2001:db8::/32', '::/0', '::1/128', '2001:db8:0:1::/64'],
      decode: parsePrefix,
      render: same,
      codes: ['PREFIX_INVALID'],
    }),
    textDecoder({
      name: 'ipv6 suffix',
      samples: ['::1:0:0:0/80', '::/64', '::1.2.3.4/128'],
      decode: parseSuffix,
      render: same,
      codes: ['SUFFIX_INVALID'],
    }),
    textDecoder({
      name: 'ipv4 address',
      samples: ['192.0.2.1', '0.0.0.0', '255.255.255.255'],
      decode: parseIPv4,
      render: same,
      isCanonical: true,
      codes: ['ADDRESS_INVALID'],
    }),
    textDecoder({
      name: 'domain name',
      samples: [
        'www.example.org',
        '*.Example.ORG.',
        '_acme-challenge.a.b',
        'xn--bcher-kva.example',
      ],
      decode: parseName,
      render: same,
      codes: ['NAME_INVALID'],
    }),
    jsonDecoder({
      name: 'rrset values',
      samples: [ADDRESSES, ['2001:db8::2', '2001:db8::1', '2001:db8::1']],
      decode: (value) => canonicalValues('AAAA', v.is(v.array(v.string()), value) ? value : []),
      render: (values) => values,
      codes: ['ADDRESS_INVALID'],
    }),
    textDecoder({
      name: 'host name',
      samples: ['home', 'nas-2', 'a'.repeat(63)],
      decode: parseHostName,
      render: same,
      isCanonical: true,
      codes: ['HOST_NAME_INVALID'],
    }),
    textDecoder({
      name: 'cloud URL',
      samples: ['https://cloud.example.org/', 'http://[::1]:8443/a/b//', 'https://x.example/%41'],
      decode: parseCloudUrl,
      render: same,
      codes: ['URL_INVALID'],
    }),
  ]
}
