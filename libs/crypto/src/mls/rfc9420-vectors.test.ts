// RFC 9420's vectors for suite 3, through our suite and the corrected ts-mls.
import { readFileSync } from 'node:fs';
import {
  acceptAll,
  bytesToBase64,
  decodeMlsMessage,
  joinGroup,
  type KeyPackage,
  makePskIndex,
  mlsExporter,
  processMessage,
} from 'ts-mls';
import { decodeAuthenticatedContent } from 'ts-mls/authenticatedContent.js';
import { refhash } from 'ts-mls/crypto/hash.js';
import { decryptWithLabel, encryptWithLabel } from 'ts-mls/crypto/hpke.js';
import { deriveSecret, deriveTreeSecret, expandWithLabel } from 'ts-mls/crypto/kdf.js';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { createConfirmationTag } from 'ts-mls/framedContent.js';
import { decodeGroupContext, encodeGroupContext, type GroupContext } from 'ts-mls/groupContext.js';
import { initializeEpoch } from 'ts-mls/keySchedule.js';
import { defaultKeyRetentionConfig } from 'ts-mls/keyRetentionConfig.js';
import { unprotectPrivateMessage } from 'ts-mls/messageProtection.js';
import { unprotectPublicMessage } from 'ts-mls/messageProtectionPublic.js';
import { verifyParentHashes } from 'ts-mls/parentHash.js';
import { decodeRatchetTree, resolution } from 'ts-mls/ratchetTree.js';
import { createSecretTree, deriveKey, deriveNonce, ratchetUntil } from 'ts-mls/secretTree.js';
import { expandSenderDataKey, expandSenderDataNonce } from 'ts-mls/sender.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/transcriptHash.js';
import { treeHash } from 'ts-mls/treeHash.js';
import { toNodeIndex } from 'ts-mls/treemath.js';
import { must } from '../../test/world.ts';
import { signingKeyFromSeed } from '../signature.ts';
import { classicSuite, type Suite } from './cipher-suite.ts';

type Hex = string;
type LeafSecret = Record<'application_key' | 'application_nonce' | 'handshake_key' | 'handshake_nonce', Hex> & {
  generation: number;
};
type Vectors = {
  cryptoBasics: Record<string, Record<string, string> & { length: number; generation: number }>;
  keySchedule: {
    group_id: Hex;
    initial_init_secret: Hex;
    epochs: (Record<string, Hex> & { exporter: { label: string; context: Hex; length: number; secret: Hex } })[];
  };
  secretTree: { encryption_secret: Hex; sender_data: Record<string, Hex>; leaves: LeafSecret[][] }[];
  messageProtection: Record<string, Hex> & { epoch: number };
  treeValidation: { tree: Hex; group_id: Hex; tree_hashes: Hex[]; resolutions: number[][] }[];
  transcriptHashes: Record<string, Hex>;
};
type PassiveClient = Record<'key_package' | 'signature_priv' | 'encryption_priv' | 'init_priv' | 'welcome', Hex> & {
  initial_epoch_authenticator: Hex;
  external_psks: { psk_id: Hex; psk: Hex }[];
  epochs: { proposals: Hex[]; commit: Hex; epoch_authenticator: Hex }[];
};

const read = (name: string): unknown => JSON.parse(readFileSync(`${__dirname}/../../vectors/${name}.json`, 'utf8'));
const vectors = read('rfc9420-suite3') as Vectors;
const { clients } = read('rfc9420-suite3-passive-client') as { clients: PassiveClient[] };
const bytes = (hex: Hex | undefined) => new Uint8Array(Buffer.from(must(hex), 'hex'));
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

let suite: Suite;
beforeAll(async () => {
  suite = await classicSuite();
});

function decoded(message: Hex | undefined) {
  const [value] = must(decodeMlsMessage(bytes(message), 0));
  return value;
}

test('crypto basics: labels for hashing, expanding, signing and encrypting', async () => {
  const { kdf, hash, signature, hpke } = suite;
  const [ref, expand, derive] = ['ref_hash', 'expand_with_label', 'derive_secret'].map((name) =>
    must(vectors.cryptoBasics[name]),
  );
  const [tree, signed, sealed] = ['derive_tree_secret', 'sign_with_label', 'encrypt_with_label'].map((name) =>
    must(vectors.cryptoBasics[name]),
  );
  if (!ref || !expand || !derive || !tree || !signed || !sealed) throw new Error('vectors');
  const at = (vector: Record<string, string>, name: string) => bytes(vector[name]);
  const label = (vector: Record<string, string>) => must(vector['label']);
  expect(hex(await refhash(label(ref), at(ref, 'value'), hash))).toBe(ref['out']);
  expect(hex(await expandWithLabel(at(expand, 'secret'), label(expand), at(expand, 'context'), expand.length, kdf))).toBe(
    expand['out'],
  );
  expect(hex(await deriveSecret(at(derive, 'secret'), label(derive), kdf))).toBe(derive['out']);
  expect(hex(await deriveTreeSecret(at(tree, 'secret'), label(tree), tree.generation, tree.length, kdf))).toBe(tree['out']);
  expect(await verifyWithLabel(at(signed, 'pub'), label(signed), at(signed, 'content'), at(signed, 'signature'), signature)).toBe(
    true,
  );
  const { privateKey } = signingKeyFromSeed(at(signed, 'priv'));
  expect(hex(await signWithLabel(privateKey, label(signed), at(signed, 'content'), signature))).toBe(signed['signature']);
  const [own, context] = [await hpke.importPrivateKey(at(sealed, 'priv')), at(sealed, 'context')];
  const opened = await decryptWithLabel(own, label(sealed), context, at(sealed, 'kem_output'), at(sealed, 'ciphertext'), hpke);
  expect(hex(opened)).toBe(sealed['plaintext']);
  const again = await encryptWithLabel(await hpke.importPublicKey(at(sealed, 'pub')), label(sealed), context, opened, hpke);
  expect(hex(await decryptWithLabel(own, label(sealed), context, again.enc, again.ct, hpke))).toBe(sealed['plaintext']);
});

test('key schedule: every secret of three epochs, and the exporter', async () => {
  let initSecret: Uint8Array = bytes(vectors.keySchedule.initial_init_secret);
  for (const epoch of vectors.keySchedule.epochs) {
    const [context] = must(decodeGroupContext(bytes(epoch['group_context']), 0));
    expect(hex(encodeGroupContext(context))).toBe(epoch['group_context']);
    const [commitSecret, pskSecret] = [bytes(epoch['commit_secret']), bytes(epoch['psk_secret'])];
    const secrets = await initializeEpoch(initSecret, commitSecret, context, pskSecret, suite.kdf);
    const { keySchedule } = secrets;
    const found = {
      joiner_secret: secrets.joinerSecret,
      welcome_secret: secrets.welcomeSecret,
      encryption_secret: secrets.encryptionSecret,
      sender_data_secret: keySchedule.senderDataSecret,
      exporter_secret: keySchedule.exporterSecret,
      external_secret: keySchedule.externalSecret,
      confirmation_key: keySchedule.confirmationKey,
      membership_key: keySchedule.membershipKey,
      resumption_psk: keySchedule.resumptionPsk,
      epoch_authenticator: keySchedule.epochAuthenticator,
      init_secret: keySchedule.initSecret,
    };
    for (const [name, secret] of Object.entries(found)) expect([name, hex(secret)]).toEqual([name, epoch[name]]);
    const external = await suite.hpke.deriveKeyPair(keySchedule.externalSecret);
    expect(hex(await suite.hpke.exportPublicKey(external.publicKey))).toBe(epoch['external_pub']);
    const { label, context: exporterContext, length, secret } = epoch.exporter;
    expect(hex(await mlsExporter(keySchedule.exporterSecret, label, bytes(exporterContext), length, suite))).toBe(secret);
    initSecret = keySchedule.initSecret;
  }
});

test('secret tree: keys and nonces of each generation, and sender data', async () => {
  for (const vector of vectors.secretTree) {
    const { sender_data_secret, ciphertext, key, nonce } = vector.sender_data;
    expect(hex(await expandSenderDataKey(suite, bytes(sender_data_secret), bytes(ciphertext)))).toBe(key);
    expect(hex(await expandSenderDataNonce(suite, bytes(sender_data_secret), bytes(ciphertext)))).toBe(nonce);
    const tree = await createSecretTree(vector.leaves.length, bytes(vector.encryption_secret), suite.kdf);
    for (const [leaf, secrets] of vector.leaves.entries()) {
      for (const secret of secrets) {
        const node = must(tree[leaf * 2]);
        for (const kind of ['application', 'handshake'] as const) {
          const [ratchet] = await ratchetUntil(node[kind], secret.generation, defaultKeyRetentionConfig, suite.kdf);
          expect(hex(await deriveKey(ratchet.secret, secret.generation, suite))).toBe(secret[`${kind}_key`]);
          expect(hex(await deriveNonce(ratchet.secret, secret.generation, suite))).toBe(secret[`${kind}_nonce`]);
        }
      }
    }
  }
});

test('message protection: public proposal and commit, private application message', async () => {
  const vector = vectors.messageProtection;
  const groupContext: GroupContext = {
    version: 'mls10',
    cipherSuite: suite.name,
    groupId: bytes(vector['group_id']),
    epoch: BigInt(vector.epoch),
    treeHash: bytes(vector['tree_hash']),
    confirmedTranscriptHash: bytes(vector['confirmed_transcript_hash']),
    extensions: [],
  };
  const [membershipKey, signatureKey] = [bytes(vector['membership_key']), bytes(vector['signature_pub'])];
  for (const name of ['proposal_pub', 'commit_pub']) {
    const message = decoded(vector[name]);
    if (message.wireformat !== 'mls_public_message') throw new Error('wire format');
    const content = await unprotectPublicMessage(membershipKey, groupContext, [], message.publicMessage, suite, signatureKey);
    expect(content.content.contentType).toBe(name.split('_')[0]);
    const forged = { ...message.publicMessage, membershipTag: new Uint8Array(32) } as typeof message.publicMessage;
    await expect(unprotectPublicMessage(membershipKey, groupContext, [], forged, suite, signatureKey)).rejects.toThrow();
  }
  const message = decoded(vector['application_priv']);
  if (message.wireformat !== 'mls_private_message') throw new Error('wire format');
  const secretTree = await createSecretTree(2, bytes(vector['encryption_secret']), suite.kdf);
  const leaf = { nodeType: 'leaf' } as never; // the sender's index is looked up, its key is given
  const sealed = message.privateMessage;
  const [senderData, config] = [bytes(vector['sender_data_secret']), defaultKeyRetentionConfig];
  const tree = [leaf, undefined, leaf];
  const { content } = await unprotectPrivateMessage(
    senderData,
    sealed,
    secretTree,
    tree,
    groupContext,
    config,
    suite,
    signatureKey,
  );
  if (content.content.contentType !== 'application') throw new Error('content type');
  expect(hex(content.content.applicationData)).toBe(vector['application']);
});

test('transcript hashes', async () => {
  const vector = vectors.transcriptHashes;
  const [content] = must(decodeAuthenticatedContent(bytes(vector['authenticated_content']), 0));
  if (content.content.contentType !== 'commit' || content.auth.contentType !== 'commit') throw new Error('content type');
  const { wireformat, auth } = content;
  const input = { wireformat, content: content.content, signature: auth.signature };
  const confirmed = await createConfirmedHash(bytes(vector['interim_transcript_hash_before']), input, suite.hash);
  expect(hex(confirmed)).toBe(vector['confirmed_transcript_hash_after']);
  expect(hex(await createInterimHash(confirmed, auth.confirmationTag, suite.hash))).toBe(vector['interim_transcript_hash_after']);
  expect(hex(await createConfirmationTag(bytes(vector['confirmation_key']), confirmed, suite.hash))).toBe(
    hex(auth.confirmationTag),
  );
});

test.each(vectors.treeValidation.map((vector, index) => [index, vector] as const))(
  'tree validation, case %i',
  async (_index, vector) => {
    const [tree] = must(decodeRatchetTree(bytes(vector.tree), 0));
    expect(await verifyParentHashes(tree, suite.hash)).toBe(true);
    for (const [node, expected] of vector.tree_hashes.entries())
      expect(hex(await treeHash(tree, toNodeIndex(node), suite.hash))).toBe(expected);
    for (const [node, expected] of vector.resolutions.entries()) expect(resolution(tree, toNodeIndex(node))).toEqual(expected);
  },
);

test.each(clients.map((client, index) => [index, client] as const))(
  'passive client %i joins and follows',
  async (_index, client) => {
    const [keyMessage, welcomeMessage] = [decoded(client.key_package), decoded(client.welcome)];
    if (keyMessage.wireformat !== 'mls_key_package' || welcomeMessage.wireformat !== 'mls_welcome')
      throw new Error('wire format');
    const publicPackage: KeyPackage = keyMessage.keyPackage;
    const privatePackage = {
      initPrivateKey: bytes(client.init_priv),
      hpkePrivateKey: bytes(client.encryption_priv),
      signaturePrivateKey: signingKeyFromSeed(bytes(client.signature_priv)).privateKey,
    };
    const externalPsks = Object.fromEntries(
      client.external_psks.map(({ psk_id, psk }) => [bytesToBase64(bytes(psk_id)), bytes(psk)]),
    );
    let state = await joinGroup(
      welcomeMessage.welcome,
      publicPackage,
      privatePackage,
      makePskIndex(undefined, externalPsks),
      suite,
    );
    expect(hex(state.keySchedule.epochAuthenticator)).toBe(client.initial_epoch_authenticator);
    for (const epoch of client.epochs) {
      for (const message of [...epoch.proposals, epoch.commit].map(decoded)) {
        if (message.wireformat !== 'mls_public_message' && message.wireformat !== 'mls_private_message')
          throw new Error('wire format');
        state = (await processMessage(message, state, makePskIndex(state, externalPsks), acceptAll, suite)).newState;
      }
      expect(hex(state.keySchedule.epochAuthenticator)).toBe(epoch.epoch_authenticator);
    }
  },
);
