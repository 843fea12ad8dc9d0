/** The host of those who train together: it keeps the run and what is the centre, lets members in, and lets go those who are gone. */
import { DescentError, faultOf, words } from '../../../engine/check.ts';
import type { Exchange } from '../exchange.ts';
import { answering, hostExchanges, type Ask } from './exchange.ts';
import { imageMeter, type Group, type Party, type Told } from './group.ts';
import { decode, encode, type Decoded, type Link } from './message.ts';
import { GroupEnded, PULSE, SILENCE, type Call, type FromHost, type FromMember, type Who } from './protocol.ts';

interface Member {
  readonly id: number;
  readonly link: Link;
  state: Who['state'];
  adapter: string;
  needs: boolean;
  imagesPerSecond: number;
  heardAt: number;
  exchange: Exchanges;
  /** Does what it asks, while it is in the group. */
  answer?: Ask | undefined;
}

/** When weights were exchanged, and after how many exchanges of others. */
interface Exchanges {
  readonly at?: number;
  readonly number?: number;
  readonly stale?: number;
}

interface Current {
  readonly number: number;
  /** Its host goes on without it; `tells` whether members are to. */
  readonly end: (tells: boolean) => void;
}

/** Calls that bring weights. */
const WEIGHTS: readonly Call[] = ['add', 'mean'];

export class Host implements Party {
  #told: Told;
  #adapter: string;
  #digest: string;
  #members = new Map<number, Member>();
  #group: Current | undefined;
  #groups = 0;
  #exchanges = 0;
  #own: Exchanges = {};
  #meter = imageMeter();
  #rate = 0;
  #rests = true;
  /** Goes on where it waits for members to come out of the group before. */
  #wake: () => void = () => undefined;
  #timer: ReturnType<typeof setInterval>;
  #clock: () => number;

  /** `digest` is that of the images that all must have; `told` hears who is there. */
  constructor(adapter: string, digest: string, told: Told, clock = () => performance.now()) {
    this.#adapter = adapter;
    this.#digest = digest;
    this.#told = told;
    this.#clock = clock;
    this.#timer = setInterval(() => this.#pulse(), PULSE);
  }

  /** Another, who has the run's configuration. `id` is above 1. */
  admit(id: number, link: Link): void {
    const member: Member = {
      id,
      link,
      state: 'opens',
      adapter: '',
      needs: true,
      imagesPerSecond: 0,
      heardAt: this.#clock(),
      exchange: {},
    };
    this.#members.set(id, member);
    link.receive(message => {
      if (this.#members.get(id) !== member) return;
      member.heardAt = this.#clock();
      try {
        if (message) this.#take(member, decode<FromMember>(message));
        else this.#letGo(member);
      } catch (error) {
        this.#refuse(member, words(faultOf(error).problem));
      }
    });
    this.#tell();
  }

  get isDue(): boolean {
    return !this.#group || this.#with('waits').length > 0;
  }

  async gather(_needs: boolean, checkpoint: () => Uint8Array): Promise<Group | undefined> {
    this.#rests = false;
    this.#group = undefined;
    while (this.#with('trains').length) await new Promise<void>(resolve => (this.#wake = resolve));
    if (this.#rests) return undefined;
    const members = this.#with('waits').sort((a, b) => a.id - b.id);
    let fail: (error: Error) => void;
    const over = new Promise<never>((_, reject) => (fail = reject));
    over.catch(() => undefined); // nobody may be waiting
    const number = ++this.#groups;
    const size = members.length + 1;
    const [own, ...others] = hostExchanges(size, over);
    this.#group = {
      number,
      end: tells => {
        fail(new GroupEnded());
        if (!tells) return;
        for (const m of members) {
          m.answer = undefined;
          if (this.#members.get(m.id) === m && m.state === 'trains') this.#send(m, { kind: 'ended', group: number });
        }
      },
    };
    this.#own = {};
    const bytes = members.some(m => m.needs) ? checkpoint() : undefined;
    for (const [i, m] of members.entries()) {
      m.state = 'trains';
      m.exchange = {};
      m.answer = answering(others[i]!);
      this.#send(m, { kind: 'group', group: number, rank: i + 1, size }, m.needs ? bytes : undefined);
    }
    this.#tell();
    return { exchange: this.#counted(own!) };
  }

  count(images: number): void {
    this.#meter.count(images);
  }

  rest(): void {
    this.#rests = true;
    this.#end();
    this.#wake();
    this.#tell();
  }

  leave(): void {
    clearInterval(this.#timer);
    this.#end(false);
    for (const { link } of this.#members.values()) link.close();
    this.#members.clear();
    this.#told([], 0);
  }

  #with(state: Who['state']): Member[] {
    return [...this.#members.values()].filter(m => m.state === state);
  }

  #end(tells = true): void {
    this.#group?.end(tells);
    this.#group = undefined;
  }

  #send({ link }: Member, message: FromHost, body?: Uint8Array): void {
    link.send(encode(message, body));
  }

  /** Lets a member go, and says why. */
  #refuse(member: Member, why: string): void {
    this.#send(member, { kind: 'refused', why });
    this.#letGo(member);
  }

  #letGo(member: Member): void {
    const trained = member.state === 'trains';
    this.#members.delete(member.id);
    member.link.close();
    if (trained) this.#end();
    this.#wake();
    this.#tell();
  }

  #take(member: Member, { head, body }: Decoded<FromMember>): void {
    switch (head.kind) {
      case 'ready':
        if (head.digest !== this.#digest) {
          this.#refuse(member, 'the images are not those of the host; take the same files, and limit both alike');
          return;
        }
        if (member.state === 'trains' && head.after !== this.#group?.number) this.#end(); // it is not in the group that it was counted in
        Object.assign(member, { adapter: head.adapter, needs: head.needs, state: 'waits' });
        this.#wake();
        break;
      case 'away': {
        const trained = member.state === 'trains';
        member.state = 'rests';
        if (trained) this.#end();
        this.#wake();
        break;
      }
      case 'pulse':
        member.imagesPerSecond = head.imagesPerSecond;
        return;
      case 'ask':
        if (head.group === this.#group?.number) void this.#answer(member, head, body);
        return;
      default:
        throw new DescentError(`a message '${(head as { kind: string }).kind}'`, 'open the same version everywhere');
    }
    this.#tell();
  }

  async #answer(
    member: Member,
    { group, id, call, args }: Extract<FromMember, { kind: 'ask' }>,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { answer } = member;
    if (!answer) return;
    if (WEIGHTS.includes(call) && body.byteLength > 4) member.exchange = this.#exchanged(member.exchange);
    try {
      const { value, body: back } = await answer(call, args, body);
      if (member.answer === answer) this.#send(member, { kind: 'answer', group, id, value }, back);
    } catch (error) {
      if (member.answer === answer) this.#refuse(member, words(faultOf(error).problem));
    }
  }

  /** One more exchange of weights, of one whose last one is given. */
  #exchanged({ number }: Exchanges): Exchanges {
    const before = this.#exchanges++;
    return { at: this.#clock(), number: this.#exchanges, ...(number !== undefined && { stale: before - number }) };
  }

  /** The host's own exchange, whose exchanges of weights count too. */
  #counted(exchange: Exchange): Exchange {
    const note = (x: Float32Array) => {
      if (x.length > 1) this.#own = this.#exchanged(this.#own);
    };
    return {
      ...exchange,
      mean(x, weight) {
        note(x);
        return exchange.mean(x, weight);
      },
      async centre(n, regions) {
        const centre = await exchange.centre(n, regions);
        return {
          ...centre,
          add(d, region) {
            note(d);
            return centre.add(d, region);
          },
        };
      },
    };
  }

  #pulse(): void {
    this.#rate = this.#meter.rate();
    const now = this.#clock();
    for (const m of this.#members.values()) {
      const isSilent = m.state !== 'opens' && now - m.heardAt > SILENCE; // to open may take long
      if (isSilent) this.#refuse(m, `it has given no sign for ${SILENCE / 1000} s`); // which may only have slept
    }
    this.#tell();
  }

  /** Tells all who is there. */
  #tell(): void {
    const now = this.#clock();
    const of = ({ at, stale }: Exchanges) => ({
      ...(at !== undefined && { exchanged: Math.round((now - at) / 1000) }),
      ...(stale !== undefined && { stale }),
    });
    const own: Who = {
      id: 1,
      adapter: this.#adapter,
      state: this.#group ? 'trains' : this.#rests ? 'rests' : 'waits',
      imagesPerSecond: this.#group ? this.#rate : 0,
      ...of(this.#own),
    };
    const others = [...this.#members.values()].map(m => ({
      id: m.id,
      adapter: m.adapter,
      state: m.state,
      imagesPerSecond: m.state === 'trains' ? m.imagesPerSecond : 0,
      ...of(m.exchange),
    }));
    const who = [own, ...others];
    for (const m of this.#members.values()) this.#send(m, { kind: 'who', who, you: m.id });
    this.#told(who, 1);
  }
}
