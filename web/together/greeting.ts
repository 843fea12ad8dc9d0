/** What a host and one who joins say to each other before the run is built: whether they fit, and what is trained. */
import { built } from '../../engine/build.ts';
import { DescentError } from '../../engine/check.ts';
import type { RunConfig } from '../../train/config/config.ts';
import { decode, encode, type Link } from '../../train/distribute/channels/message.ts';

/** What a host trains. */
export interface Shared {
  readonly config: RunConfig;
  /** Steps between evaluations on the validation images. */
  readonly evalEvery: number;
}

type Greeting =
  | { readonly kind: 'hello'; readonly release: string }
  | ({ readonly kind: 'welcome' } & Shared)
  | { readonly kind: 'refused'; readonly why: string };

/** Milliseconds for the other side to say its first word. */
const PATIENCE = 30_000;

const release = (): string => [built?.version, built?.commit].filter(Boolean).join(' ');

/** The first message of the other side. */
const first = (link: Link): Promise<Greeting> =>
  new Promise((resolve, reject) => {
    const gone = (why: string) => reject(new DescentError(`the other tab ${why}`, 'try again'));
    const timer = setTimeout(() => gone('says nothing'), PATIENCE);
    link.receive(message => {
      clearTimeout(timer);
      link.receive(); // others wait for who takes them next
      if (!message) return gone('is gone');
      try {
        resolve(decode<Greeting>(message).head);
      } catch (error) {
        reject(error);
      }
    });
  });

/** Lets in who says hello at the other end of a link, or throws and says why not; `share` throws where there is nothing to join. */
export async function welcome(link: Link, share: () => Shared): Promise<void> {
  try {
    const greeting = await first(link);
    const theirs = greeting.kind === 'hello' ? greeting.release : 'another program';
    if (theirs !== release()) throw new DescentError(`the host runs Descent ${release()}, this tab ${theirs}`, 'open the same version');
    link.send(encode({ kind: 'welcome', ...share() }));
  } catch (error) {
    link.send(encode({ kind: 'refused', why: (error as Error).message }));
    link.close();
    throw error;
  }
}

/** Says hello at the other end of a link; gives what its host trains. */
export async function hello(link: Link): Promise<Shared> {
  link.send(encode({ kind: 'hello', release: release() }));
  const greeting = await first(link);
  if (greeting.kind === 'welcome') return greeting;
  throw new DescentError(greeting.kind === 'refused' ? greeting.why : 'the other tab hosts no run', 'ask its host');
}
