/** A run of several tabs or machines in one of them: groups of fixed members one after another, each begun from where the last one stood. */
import type { Exchange } from '../../train/distribute/exchange.ts';
import { GroupEnded, HostLeft } from '../../train/distribute/channels/protocol.ts';
import type { Group, Party, Told } from '../../train/distribute/channels/group.ts';
import { Host } from '../../train/distribute/channels/host.ts';
import { Member } from '../../train/distribute/channels/member.ts';
import { portLink } from '../../train/distribute/channels/message.ts';
import { check, named, say } from '../../engine/check.ts';
import { tensorsOf, vectorsOf } from '../../train/distribute/kept.ts';
import { methods, SELDOM } from '../../train/distribute/methods.ts';
import { start, type Started } from '../../train/distribute/start.ts';
import type { Recipe } from '../../train/config/recipe.ts';
import { lengthOf } from '../../train/data/share.ts';
import type { Score } from '../../train/evaluate/score.ts';
import { loop, type LoopOptions } from '../../train/run/loop.ts';
import type { Opened } from '../../train/run/open.ts';
import * as keys from '../../train/run/state-keys.ts';
import type { TrainerState } from '../../train/step/state.ts';

/** What a run does for its groups. */
export interface Stage {
  readonly recipe: Recipe;
  opened(): Opened;
  isRunning(): boolean;
  /** Does some work while nobody else uses the trainer. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Builds the run anew as a rank, as the checkpoint at hand has it, or the file that is given, which then is the one at hand. */
  open(exchange: Exchange, file: Uint8Array<ArrayBuffer> | undefined): Promise<void>;
  /** The checkpoint at hand. */
  state(): TrainerState;
  file(): Uint8Array;
  fitting(): LoopOptions;
  /** Keeps a checkpoint. */
  save(): Promise<void>;
}

/** What of a run its others must know. */
export interface Identity {
  readonly adapter: string;
  /** That of its images. */
  readonly digest: string;
}

/** Throws where a run is to be trained together in a way that browsers cannot. */
export function checkTogether({ distribute }: Recipe): void {
  const who = say`${named('distribute')} ${distribute?.name ?? ''}`;
  check(!distribute || SELDOM.includes(distribute.name), say`${who}: tabs speak too slowly for it`, `take ${SELDOM.join(' or ')}`);
}

/** A run that others may join. */
export const hosting = ({ adapter, digest }: Identity, told: Told): Together => new Together(new Host(adapter, digest, told), true);

/** A run that has joined the host at the other end of a port. */
export const joined = (port: MessagePort, { adapter, digest }: Identity, told: Told): Together =>
  new Together(new Member(portLink(port), adapter, digest, told), false);

export class Together {
  readonly party: Party;
  readonly isHost: boolean;
  #started: Started | undefined;
  #isGathering = false;
  /** Whether this one has trained beyond the checkpoint at hand. */
  #isAhead = false;
  /** Whether the others have come to what is not known here. */
  #needs: boolean;

  constructor(party: Party, isHost: boolean) {
    this.party = party;
    this.isHost = isHost;
    this.#needs = !isHost;
  }

  /** Lets in another, number `id` of those who train together. */
  admit(id: number, port: MessagePort): void {
    check(this.party instanceof Host, 'share: this tab is not the host', 'ask its host');
    this.party.admit(id, portLink(port));
  }

  /** A trainer's state with what ranks hold together and what this one holds. */
  async withRanks(state: TrainerState): Promise<TrainerState> {
    if (!this.#started) return state;
    const { kept } = this.#started;
    const own = keys.own.write(tensorsOf(await kept.ownState()));
    const all = keys.together.write(tensorsOf(await kept.state()));
    return { ...state, tensors: { ...state.tensors, ...own, ...all } };
  }

  /** Has `fit` end, at the next meeting of a group that is under way. */
  stop(): void {
    if (this.#isGathering) this.party.rest();
  }

  /** Trains in one group after another, until the run ends or is to rest here. Throws HostLeft. */
  async fit(stage: Stage): ReturnType<typeof loop> {
    try {
      for (;;) {
        const group = await this.#gather(stage);
        const ended = group && (await this.#asGroup(stage, group).catch((error: unknown) => this.#over(stage, error)));
        if (ended === 'complete' || ended === 'early') return ended;
        if (stage.isRunning()) continue;
        this.#needs = !this.isHost; // the others go on
        this.party.rest();
        return 'stopped';
      }
    } catch (error) {
      this.#needs = !this.isHost;
      this.#started = undefined;
      if (!(error instanceof HostLeft)) this.party.rest();
      else if (this.#isAhead) await stage.alone(() => stage.save()); // what was trained here stays
      throw error;
    }
  }

  async #gather(stage: Stage): Promise<Group | undefined> {
    if (!stage.isRunning()) return undefined;
    this.#isGathering = true;
    const group = await this.party.gather(this.#needs, () => stage.file()).finally(() => (this.#isGathering = false));
    return stage.isRunning() ? group : undefined;
  }

  async #asGroup(stage: Stage, { exchange, checkpoint }: Group): ReturnType<typeof loop> {
    await stage.alone(async () => {
      this.#isAhead = false;
      await stage.open(exchange, checkpoint);
      this.#started = await this.#start(stage, exchange, checkpoint !== undefined);
      this.#isAhead = true;
    });
    const started = this.#started!;
    const { trainer } = stage.opened();
    const apart = started.fitted !== trainer;
    const fitting = stage.fitting();
    const ended = await loop(started.fitted, {
      ...fitting,
      step: started.step,
      stopped: () => started.isAsked,
      turn: work =>
        stage.alone(async () => {
          if (apart && started.isAsked) return false; // all have met, and kept what there is
          await work();
          return true;
        }),
      evaluate: async split => asHost(exchange, await trainer.evaluate(split)),
      ...(apart && { checkpointEvery: 1 }),
    });
    this.#started = undefined;
    this.#isAhead = false;
    this.#needs = false;
    return ended;
  }

  /** Begins the method, from what was held where the last group ended. */
  async #start(stage: Stage, exchange: Exchange, joins: boolean): Promise<Started> {
    const { recipe } = stage;
    const { trainer, total } = stage.opened();
    const { logEvery, onMetrics, evalEvery } = stage.fitting();
    const { batchSize, distribute } = recipe;
    const images = methods[distribute!.name].together ? lengthOf(batchSize, exchange) : batchSize;
    const started = await start(trainer, exchange, distribute!, {
      total,
      logEvery,
      onMetrics,
      asks: () => !stage.isRunning() || this.party.isDue,
      meetEvery: evalEvery || Infinity,
      delay: async () => this.party.count(images),
    });
    const { tensors } = stage.state();
    const all = keys.together.read(tensors);
    if (Object.keys(all).length) await started.kept.load(vectorsOf(all));
    const own = keys.own.read(tensors);
    if (!joins && Object.keys(own).length) await started.kept.loadOwn(vectorsOf(own));
    return started;
  }

  /** A group is over before its time: the host keeps what there is, and the others are told in the next group. Throws what is of the run. */
  async #over(stage: Stage, error: unknown): Promise<undefined> {
    if (!(error instanceof GroupEnded)) throw error;
    const started = this.#started;
    if (started && this.isHost) {
      await stage.alone(async () => {
        const { trainer, total } = stage.opened();
        await started.abandon?.();
        const { state, validate } = stage.fitting();
        const { steps, stepsPerEpoch } = trainer;
        const meets = steps > 0 && (steps % stepsPerEpoch === 0 || steps === total);
        if (meets && validate && !state.evaluated.some(line => line.step === steps)) trainer.skipTo(steps - 1); // for all to evaluate
        await stage.save();
      });
    }
    this.#started = undefined;
    this.#needs = !this.isHost;
  }
}

/** What the host says of its evaluation: unlike devices round differently, and all must decide alike. */
async function asHost(exchange: Exchange, own: Score): Promise<Score> {
  const [text] = await exchange.texts(JSON.stringify(own));
  const score = JSON.parse(text!) as Score;
  return { ...score, loss: score.loss ?? NaN };
}
