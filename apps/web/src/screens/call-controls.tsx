import type { CallSurface } from '@rialto/client';
import { useState } from 'react';
import { Icon, type IconName } from '../parts/icon.tsx';
import { notify } from '../session/state.ts';
import { sayError } from '../session/words.ts';
import { hasVideo } from './call-media.tsx';

/** What one can do in a call just now: answer or decline, or mute, camera and hang up. */
export function CallControls({ call, name }: { call: CallSurface; name: string }) {
  if (call.state === 'ended') return <div className="call-controls" />;
  const isAsked = call.direction === 'incoming' && (call.state === 'inviting' || call.state === 'ringing');
  return isAsked ? <AnswerControls call={call} name={name} /> : <RunningControls call={call} />;
}

function AnswerControls({ call, name }: { call: CallSurface; name: string }) {
  return (
    <div className="call-controls call-controls-incoming">
      <CallButton icon="hangup" label={`Decline ${name}`} look="call-button-end" onPress={() => call.decline()} />
      <CallButton
        icon={call.media === 'video' ? 'video' : 'phone'}
        label={`Answer ${name}`}
        look="call-button-answer"
        onPress={() => call.answer()}
      />
    </div>
  );
}

function RunningControls({ call }: { call: CallSurface }) {
  const [isCameraOn, setCameraOn] = useState(true);
  const switchCamera = async () => {
    await call.setCamera(!isCameraOn);
    setCameraOn(!isCameraOn);
  };
  return (
    <div className="call-controls">
      <CallButton
        icon={call.isMuted ? 'mic-off' : 'mic'}
        label={call.isMuted ? 'Unmute' : 'Mute'}
        isPressed={call.isMuted}
        onPress={() => call.setMuted(!call.isMuted)}
      />
      {hasVideo(call.localTracks) ? (
        <CallButton
          icon={isCameraOn ? 'video' : 'video-off'}
          label={isCameraOn ? 'Turn camera off' : 'Turn camera on'}
          isPressed={!isCameraOn}
          onPress={switchCamera}
        />
      ) : (
        call.state === 'active' && <CallButton icon="video" label="Add video" onPress={() => call.upgradeToVideo()} />
      )}
      <CallButton icon="hangup" label="Hang up" look="call-button-end" onPress={() => call.hangUp()} />
    </div>
  );
}

interface CallButtonProps {
  icon: IconName;
  label: string;
  look?: string;
  isPressed?: boolean;
  onPress: () => Promise<unknown> | void;
}
function CallButton({ icon, label, look = '', isPressed, onPress }: CallButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    try {
      await onPress();
    } catch (thrown) {
      notify(sayError(thrown));
    }
    setBusy(false);
  };
  return (
    <button
      type="button"
      className={`call-button ${look}`}
      aria-label={label}
      title={label}
      aria-pressed={isPressed}
      disabled={isBusy}
      onClick={() => void press()}
    >
      <Icon name={icon} size={22} />
    </button>
  );
}
